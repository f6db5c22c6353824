//! A connection under a TLS session, whose bytes somebody sees as they come. It is one type for all that look on, since
//! rustls makes its own code anew for each type of connection.

use std::io::{self, Read, Write};

/// A connection under a TLS session.
pub(crate) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

pub(super) struct Watched<'a> {
    pub(super) connection: &'a mut dyn Stream,
    pub(super) sees: &'a mut dyn FnMut(&[u8]),
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.connection.read(buffer)?;
        (self.sees)(&buffer[..amount]);
        Ok(amount)
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}
