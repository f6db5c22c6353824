//! Where TLS records end. A connection that goes on in the middle of a record has sent more than was asked for, and rustls,
//! which waits for the rest, does not say so: that would become the answer to the next request.

/// Of a record: its type, a version, and two bytes of length (RFC 8446, 5.1).
const HEADER: usize = 5;

/// How far the present record has come, and of which kind it is.
#[derive(Default)]
pub(super) struct Boundary {
    /// Bytes of it that came; none between two records.
    came: usize,
    /// Its length without the header, as far as the header has come.
    length: usize,
    /// The type of the present record, or of the last one, alerts aside.
    kind: u8,
    is_established: bool,
}

const ALERT: u8 = 21;
/// The type of handshake records. TLS 1.3 hides it once the handshake is over.
const HANDSHAKE: u8 = 22;

impl Boundary {
    pub(super) fn is_between_records(&self) -> bool {
        self.came == 0
    }

    /// From here on, a record of a handshake is a TLS 1.2 server's wish for another one.
    pub(super) fn handshake_ends(&mut self) {
        self.is_established = true;
        self.kind = 0;
    }

    /// Whether the server asked for another handshake, and has sent nothing but alerts since.
    pub(super) fn is_asked_for_another_handshake(&self) -> bool {
        self.is_established && self.kind == HANDSHAKE
    }

    /// Bytes that came.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            if self.came < HEADER {
                match self.came {
                    0 if *first != ALERT => self.kind = *first,
                    3 => self.length = usize::from(*first) << 8,
                    4 => self.length |= usize::from(*first),
                    _ => {}
                }
                self.came += 1;
                bytes = rest;
            } else {
                let left = HEADER + self.length - self.came;
                let (of_record, later) = bytes.split_at(left.min(bytes.len()));
                self.came += of_record.len();
                bytes = later;
            }
            if self.came >= HEADER && self.came == HEADER + self.length {
                (self.came, self.length) = (0, 0);
            }
        }
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
            let (mut place, mut passed) = (Boundary::default(), 0);
            for bytes in whole.chunks(piece) {
                place.pass(bytes);
                passed += bytes.len();
                assert_eq!(place.is_between_records(), ends.contains(&passed), "{passed} bytes in pieces of {piece}");
            }
        }
    }

    #[test]
    fn the_type_of_the_last_record_is_known_alerts_aside() {
        let mut place = Boundary::default();
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
