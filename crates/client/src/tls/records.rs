//! Where TLS records end. A connection that goes on in the middle of a record has sent more than was asked for, and rustls,
//! which waits for the rest, does not say so: that would become the answer to the next request.

use std::io::{self, Read, Write};

use ureq::unversioned::transport::{NextTimeout, TransportAdapter};

/// Of a record: its type, a version, and two bytes of length (RFC 8446, 5.1).
const HEADER: usize = 5;

/// A connection under a TLS session, read record by record.
pub(crate) struct Records {
    connection: TransportAdapter,
    place: Place,
}

/// How far the present record has come.
#[derive(Default)]
struct Place {
    /// Bytes of it that came; none between two records.
    came: usize,
    /// Its length without the header, as far as the header has come.
    length: usize,
}

impl Place {
    fn pass(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            if self.came < HEADER {
                match self.came {
                    3 => self.length = usize::from(*first).saturating_mul(256),
                    4 => self.length = self.length.saturating_add((*first).into()),
                    _ => {}
                }
                self.came = self.came.saturating_add(1);
                bytes = rest;
            } else {
                let left = self.length.saturating_add(HEADER).saturating_sub(self.came);
                let (of_record, later) = bytes.split_at(left.min(bytes.len()));
                self.came = self.came.saturating_add(of_record.len());
                bytes = later;
            }
            if self.came >= HEADER && self.came >= self.length.saturating_add(HEADER) {
                *self = Place::default();
            }
        }
    }
}

impl Records {
    pub(crate) fn new(connection: TransportAdapter) -> Records {
        Records { connection, place: Place::default() }
    }

    pub(crate) fn set_timeout(&mut self, limit: NextTimeout) {
        self.connection.set_timeout(limit);
    }

    /// Whether the connection is open, and nothing has come that no session has taken yet.
    pub(crate) fn is_open_between_records(&mut self) -> bool {
        let connection = self.connection.get_mut();
        self.place.came == 0 && connection.buffers().input().is_empty() && connection.is_open()
    }
}

impl Read for Records {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.connection.read(buffer)?;
        self.place.pass(buffer.get(..amount).unwrap_or_default());
        Ok(amount)
    }
}

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_where_their_length_says() {
        let whole = [&b"\x16\x03\x03\x01\x02"[..], &[7; 258], b"\x14\x03\x03\0\0", b"\x17\x03\x03\0\x01x"].concat();
        let ends = [263, 268, 274];
        for piece in [1, 2, 3, 5, 100, 300] {
            let (mut place, mut passed) = (Place::default(), 0);
            for bytes in whole.chunks(piece) {
                place.pass(bytes);
                passed += bytes.len();
                assert_eq!(place.came == 0, ends.contains(&passed), "{passed} bytes in pieces of {piece}");
            }
        }
    }
}
