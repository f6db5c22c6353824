//! What came over a connection and was not taken yet. The connection lives on when a call is over: what was taken is wiped.

use std::io::{self, Read};

use zeroize::Zeroize;

use crate::http_head;

/// Most replies fit into this much, head and all. With more than that at once, the buffer grows.
const USUAL: usize = 4 * 1024;
/// The head of a reply must fit.
const LARGEST: usize = http_head::LONGEST;

/// Allocated when first used: with many threads each has a connection.
#[derive(Default)]
pub(super) struct Input {
    buffer: Vec<u8>,
    /// What came and was not taken yet lies in `buffer[start..end]`.
    start: usize,
    end: usize,
}

impl Input {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// There is no room for more until something is taken.
    pub(super) fn is_full(&self) -> bool {
        self.bytes().len() >= LARGEST
    }

    /// Takes the first bytes.
    pub(super) fn take(&mut self, amount: usize) {
        let taken = self.start + amount;
        assert!(taken <= self.end, "no more is taken than came");
        self.buffer[self.start..taken].fill(0);
        self.start = taken;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Reads once, as much as there is room for; how much came.
    pub(super) fn fill_from(&mut self, source: &mut impl Read) -> io::Result<usize> {
        self.make_room();
        let amount = source.read(&mut self.buffer[self.end..])?;
        self.end += amount;
        Ok(amount)
    }

    fn make_room(&mut self) {
        assert!(!self.is_full(), "whoever reads has looked whether there is room");
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            let left = self.end - self.start;
            self.buffer[left.max(self.start)..self.end].fill(0);
            (self.start, self.end) = (0, left);
        }
        if self.end == self.buffer.len() {
            let size = (4 * self.buffer.len()).clamp(USUAL, LARGEST);
            let mut outgrown = std::mem::replace(&mut self.buffer, vec![0; size]);
            self.buffer[..outgrown.len()].copy_from_slice(&outgrown);
            outgrown.as_mut_slice().zeroize();
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // As a slice: zeroize goes through a vector byte by byte.
        self.buffer.as_mut_slice().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(input: &mut Input, mut text: &[u8]) {
        while !text.is_empty() {
            input.fill_from(&mut text).unwrap();
        }
    }

    #[test]
    fn what_was_taken_is_wiped_and_the_rest_is_kept() {
        let mut input = Input::default();
        receive(&mut input, b"abcdefgh");
        input.take(5);
        assert_eq!((input.bytes(), &input.buffer[..8]), (&b"fgh"[..], &b"\0\0\0\0\0fgh"[..]));
        receive(&mut input, b"ij");
        assert_eq!((input.bytes(), &input.buffer[..9]), (&b"fghij"[..], &b"fghij\0\0\0\0"[..]));
        input.take(5);
        assert_eq!((input.bytes(), &input.buffer[..8]), (&b""[..], &[0; 8][..]));
    }

    #[test]
    fn what_overlaps_as_it_moves_is_whole() {
        let mut input = Input::default();
        receive(&mut input, b"abcdefgh");
        input.take(2);
        receive(&mut input, b"i");
        assert_eq!((input.bytes(), input.buffer[7]), (&b"cdefghi"[..], 0));
    }

    #[test]
    fn it_grows_up_to_its_limit() {
        let mut input = Input::default();
        let text: Vec<u8> = (0..LARGEST).map(|index| (index % 251) as u8).collect();
        receive(&mut input, &text);
        assert!(input.is_full() && input.bytes() == text);
        input.take(1);
        assert!(!input.is_full());
        receive(&mut input, b"x");
        assert_eq!((input.bytes()[0], input.bytes()[LARGEST - 1], input.buffer.len()), (1, b'x', LARGEST));
    }
}
