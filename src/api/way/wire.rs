//! A socket that keeps to one deadline, however slowly the other side drips, and TLS upon it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::left;

/// Bytes both ways: a socket, or TLS upon one.
pub trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

/// A socket whose reads and writes all end at the deadline.
pub(super) struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Timed {
    pub(super) const fn new(stream: TcpStream, deadline: Instant) -> Self {
        Self { stream, deadline }
    }

    fn rest(&self) -> io::Result<Option<Duration>> {
        match left(self.deadline) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            rest => Ok(Some(rest)),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.rest()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.rest()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
