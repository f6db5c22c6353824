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
    is_established: bool,
}

/// How far the present record has come.
#[derive(Default)]
struct Place {
    /// Bytes of it that came; none between two records.
    came: usize,
    /// Its length without the header, as far as the header has come.
    length: usize,
    /// The type of the present record, or of the last one, alerts aside.
    kind: u8,
}

const ALERT: u8 = 21;
/// The type of handshake records. TLS 1.3 hides it once the handshake is over.
const HANDSHAKE: u8 = 22;

impl Place {
    fn pass(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            if self.came < HEADER {
                match self.came {
                    0 if *first != ALERT => self.kind = *first,
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
                *self = Place { kind: self.kind, ..Place::default() };
            }
        }
    }
}

impl Records {
    pub(crate) fn new(connection: TransportAdapter) -> Records {
        Records { connection, place: Place::default(), is_established: false }
    }

    pub(crate) fn set_timeout(&mut self, limit: NextTimeout) {
        self.connection.set_timeout(limit);
    }

    /// From here on, a record of a handshake is a TLS 1.2 server's wish for another one.
    pub(crate) fn handshake_ends(&mut self) {
        self.is_established = true;
        self.place.kind = 0;
    }

    /// Whether the server asked for another handshake, and has sent nothing but alerts since.
    pub(crate) fn is_asked_for_another_handshake(&self) -> bool {
        self.is_established && self.place.kind == HANDSHAKE
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

    #[test]
    fn the_type_of_the_last_record_is_known_alerts_aside() {
        let mut place = Place::default();
        for (record, kind) in [
            (&b"\x16\x03\x03\0\x02xx"[..], HANDSHAKE),
            (b"\x15\x03\x03\0\x02xx", HANDSHAKE),
            (b"\x17\x03\x03\0\x02xx", 23),
        ] {
            record.chunks(1).for_each(|byte| place.pass(byte));
            assert_eq!((place.came, place.kind), (0, kind));
        }
    }
}
