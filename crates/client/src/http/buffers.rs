//! The buffers of a connection, which lives on when a call is over: what has passed through them is wiped.

use ureq::config::Config;
use ureq::unversioned::transport::Buffers;
use zeroize::Zeroize;

/// A body is read in pieces of at least this size.
const SMALLEST_PIECE: usize = 10 * 1024;

/// Most replies fit into this much, head and all. With more than that at once, the input grows.
const USUAL_INPUT: usize = 4 * 1024;

/// Allocated when first used: with many threads each has a connection, and under TLS each connection two pairs.
pub(crate) struct WipedBuffers {
    input_size: usize,
    output_size: usize,
    input: Vec<u8>,
    output: Vec<u8>,
    /// What came and was not taken yet lies in `input[start..end]`.
    start: usize,
    end: usize,
    /// The last look at the input took something of it.
    progress: bool,
    /// The last read filled the input to its end.
    was_filled: bool,
}

impl WipedBuffers {
    pub(crate) fn new(config: &Config) -> WipedBuffers {
        WipedBuffers {
            input_size: config.input_buffer_size(),
            output_size: config.output_buffer_size(),
            input: Vec::new(),
            output: Vec::new(),
            start: 0,
            end: 0,
            progress: false,
            was_filled: false,
        }
    }

    /// The first `amount` bytes of the output were sent.
    pub(crate) fn wipe_output(&mut self, amount: usize) {
        if let Some(sent) = self.output.get_mut(..amount) {
            sent.fill(0);
        }
    }

    /// Makes the input at least so large.
    fn grow_input(&mut self, size: usize) {
        if self.input.len() < size {
            let mut outgrown = std::mem::replace(&mut self.input, vec![0; size]);
            if let Some(place) = self.input.get_mut(..outgrown.len()) {
                place.copy_from_slice(&outgrown);
            }
            outgrown.as_mut_slice().zeroize();
        }
    }

    /// Makes room for a read: more of it if the last one took all there was.
    fn make_room(&mut self) {
        let factor = if std::mem::take(&mut self.was_filled) { 4 } else { 1 };
        self.grow_input(self.input.len().max(USUAL_INPUT).saturating_mul(factor).min(self.input_size));
        self.compact();
    }

    /// Moves what is left to the beginning, so that all that is free lies behind it.
    fn compact(&mut self) {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            let left = self.end.saturating_sub(self.start);
            self.wipe_input(left.max(self.start), self.end);
            (self.start, self.end) = (0, left);
        }
    }

    fn wipe_input(&mut self, from: usize, to: usize) {
        if let Some(taken) = self.input.get_mut(from..to) {
            taken.fill(0);
        }
    }
}

impl Buffers for WipedBuffers {
    fn output(&mut self) -> &mut [u8] {
        if self.output.is_empty() {
            self.output = vec![0; self.output_size];
        }
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.make_room();
        self.input.get_mut(self.end..).unwrap_or_default()
    }

    fn input_appended(&mut self, amount: usize) {
        self.end = self.end.saturating_add(amount).min(self.input.len());
        self.was_filled = self.end == self.input.len();
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        let taken = self.start.saturating_add(amount).min(self.end);
        self.wipe_input(self.start, taken);
        self.start = taken;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.output();
        self.compact();
        self.grow_input(self.end.saturating_add(SMALLEST_PIECE));
        (self.input.get_mut(self.end..).unwrap_or_default(), &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.progress && self.start < self.end
    }
}

impl Drop for WipedBuffers {
    fn drop(&mut self) {
        // As slices: zeroize goes through a vector byte by byte.
        self.input.as_mut_slice().zeroize();
        self.output.as_mut_slice().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffers() -> WipedBuffers {
        WipedBuffers::new(&Config::builder().input_buffer_size(8).output_buffer_size(4).build())
    }

    fn receive(buffers: &mut WipedBuffers, text: &[u8]) {
        buffers.input_append_buf()[..text.len()].copy_from_slice(text);
        buffers.input_appended(text.len());
    }

    #[test]
    fn what_was_taken_is_wiped_and_the_rest_is_kept() {
        let mut buffers = buffers();
        receive(&mut buffers, b"abcdefgh");
        assert!(buffers.input_append_buf().is_empty());
        buffers.input_consume(5);
        assert_eq!((buffers.input(), &buffers.input[..5]), (&b"fgh"[..], &[0; 5][..]));
        assert!(buffers.can_use_input());
        receive(&mut buffers, b"ij");
        assert_eq!((buffers.input(), &buffers.input[5..]), (&b"fghij"[..], &[0; 3][..]));
        buffers.input_consume(0);
        assert!(!buffers.can_use_input());
        buffers.input_consume(5);
        assert_eq!((buffers.input(), &buffers.input[..]), (&b""[..], &[0; 8][..]));
    }

    #[test]
    fn what_overlaps_as_it_moves_is_whole() {
        let mut buffers = buffers();
        receive(&mut buffers, b"abcdefgh");
        buffers.input_consume(2);
        assert_eq!(buffers.input_append_buf().len(), 2);
        assert_eq!((buffers.input(), &buffers.input[6..]), (&b"cdefgh"[..], &[0; 2][..]));
    }

    #[test]
    fn output_is_wiped_and_a_body_always_has_room() {
        let mut buffers = buffers();
        buffers.output().copy_from_slice(b"abcd");
        buffers.wipe_output(3);
        assert_eq!(buffers.output(), b"\0\0\0d");
        receive(&mut buffers, b"abcdefgh");
        assert_eq!(buffers.tmp_and_output().0.len(), SMALLEST_PIECE);
        assert_eq!(buffers.input(), b"abcdefgh");
    }

    #[test]
    fn an_input_that_was_filled_grows_up_to_its_size() {
        let mut buffers = WipedBuffers::new(&Config::builder().input_buffer_size(20_000).build());
        let mut received = Vec::new();
        for (byte, room) in
            [(b'a', USUAL_INPUT), (b'b', 4 * USUAL_INPUT - USUAL_INPUT), (b'c', 20_000 - 4 * USUAL_INPUT)]
        {
            receive(&mut buffers, &vec![byte; room]);
            received.extend(vec![byte; room]);
        }
        assert!(buffers.input_append_buf().is_empty());
        assert_eq!(buffers.input(), received);
        buffers.input_consume(20_000);
        receive(&mut buffers, b"d");
        assert_eq!(buffers.input(), b"d");
        assert_eq!(buffers.input_append_buf().len(), 19_999);
    }
}
