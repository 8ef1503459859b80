//! The two ways in which bytes come and go, plain and through TLS, counted as they come.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::alert;
use super::recording::{Handshake, Recording};

/// A socket that counts what is read from it.
pub(super) struct Metered {
    stream: Arc<TcpStream>,
    recording: Arc<Recording>,
    number: usize,
    /// Without TLS every byte is one of HTTP.
    plain: bool,
}

impl Metered {
    pub(super) fn new(stream: Arc<TcpStream>, recording: Arc<Recording>, number: usize, plain: bool) -> Self {
        Self { stream, recording, number, plain }
    }

    /// Ends in order and waits for the client to go.
    ///
    /// Closing a socket that contains unread bytes sends a reset, which can overtake what was
    /// written before, so everything is read first.
    pub(super) fn finish(mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        self.drain();
    }

    /// Reads until the client is gone, and says nothing.
    pub(super) fn drain(&mut self) {
        let mut bytes = [0; 16 * 1024];
        while self.read(&mut bytes).is_ok_and(|count| count > 0) {}
    }

    pub(super) fn reset(self) {
        SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Shakes hands, and writes down how that went; the socket is finished if it went wrong.
    pub(super) fn shake_hands(mut self, config: &Arc<ServerConfig>) -> Option<Transport> {
        let mut session = ServerConnection::new(Arc::clone(config)).unwrap();
        let result = session.complete_io(&mut self);
        let handshake = match &result {
            Ok(_) => Ok(describe(&session)),
            Err(error) => Err(error.to_string()),
        };
        self.recording.connection(self.number, |seen| seen.handshake = Some(handshake));
        if result.is_err() {
            // The alert may stand behind a message that was written before.
            while session.wants_write() && session.write_tls(&mut self).is_ok() {}
            self.finish();
            return None;
        }
        Some(Transport::Tls(Box::new(StreamOwned::new(session, self))))
    }
}

fn describe(session: &ServerConnection) -> Handshake {
    let certificates = session.peer_certificates().unwrap_or_default();
    Handshake {
        version: format!("{:?}", session.protocol_version().unwrap()),
        resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        server_name: session.server_name().map(str::to_owned),
        alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        client_certificate: certificates.first().map(|der| der.to_vec()),
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&*self.stream).read(buffer)?;
        self.recording.connection(self.number, |seen| {
            seen.raw_bytes += count as u64;
            if self.plain {
                seen.bytes += count as u64;
            }
        });
        Ok(count)
    }
}

impl Write for Metered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.stream).flush()
    }
}

pub(super) enum Transport {
    Plain(Metered),
    Tls(Box<StreamOwned<ServerConnection, Metered>>),
}

impl Transport {
    pub(super) fn finish(self) {
        match self {
            Self::Plain(socket) => socket.finish(),
            Self::Tls(mut tls) => {
                tls.conn.send_close_notify();
                let _ = tls.flush();
                let (_, socket) = tls.into_parts();
                socket.finish();
            }
        }
    }

    /// Ends TCP in order, and leaves TLS without its end.
    pub(super) fn finish_tcp(self) {
        match self {
            Self::Plain(socket) => socket.finish(),
            Self::Tls(tls) => tls.into_parts().1.finish(),
        }
    }

    /// Sends a fatal alert that the client can read, and ends.
    pub(super) fn alert(self, description: u8) {
        let Self::Tls(tls) = self else {
            panic!("only a server with TLS can send an alert");
        };
        let (session, mut socket) = tls.into_parts();
        let _ = socket.write_all(&alert::encrypted(session, description));
        socket.finish();
    }

    pub(super) fn reset(self) {
        match self {
            Self::Plain(socket) => socket.reset(),
            Self::Tls(tls) => tls.into_parts().1.reset(),
        }
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(tls) => {
                let count = tls.read(buffer)?;
                let Metered { recording, number, .. } = &tls.sock;
                recording.connection(*number, |seen| seen.bytes += count as u64);
                Ok(count)
            }
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
