//! One connection of the scripted server: reads requests, writes them down, does what the script says.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::ServerConfig;

use super::answer::{Answer, Drip, End, Moment};
use super::recording::{Recorded, Recording};
use super::transport::{Metered, Transport};
use crate::loopback::{Connection, Keeper};

/// What a connection does before, or instead of, reading requests.
#[derive(Clone, Debug)]
pub enum Behaviour {
    Speak,
    /// Reads what comes and never answers, so that a TLS handshake hangs.
    Hang,
    Close,
    /// At once: the client may still be connecting when it arrives.
    Reset,
    /// The same once the first bytes are read, so that the connection was up for sure.
    ReadThenReset,
    /// Waits for the first bytes, sends these, and closes.
    Say(Vec<u8>),
    HandshakeThenClose,
    HandshakeThenReset,
}

impl Behaviour {
    /// A fatal TLS alert in place of a handshake; 40 is `handshake_failure`, 70 the wrong version.
    pub fn alert(description: u8) -> Self {
        Self::Say(vec![21, 3, 3, 0, 2, 2, description])
    }

    /// HTTP without TLS, which is what a TLS client meets at the wrong port.
    pub fn plain_http() -> Self {
        Self::Say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec())
    }
}

type Script = Box<dyn Fn(&Recorded) -> Answer + Send + Sync>;

/// Where the answers come from.
pub(super) enum Answers {
    /// One per request; the last one repeats.
    Listed(Vec<Answer>),
    /// Chosen when the request was read.
    Chosen(Script),
}

pub(super) struct Plan {
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// One per connection; the last one repeats.
    pub(super) behaviours: Vec<Behaviour>,
    pub(super) answers: Answers,
    pub(super) recording: Arc<Recording>,
}

impl Plan {
    pub(super) fn serve(&self, connection: Connection) {
        let number = connection.number;
        self.recording.connect(number, connection.arrived);
        let recording = Arc::clone(&self.recording);
        let plain = self.tls.is_none();
        let mut socket = Metered::new(connection.stream, recording, number, plain);
        match nth(&self.behaviours, number) {
            Behaviour::Hang => socket.drain(),
            Behaviour::Close => socket.finish(),
            Behaviour::Reset => socket.reset(),
            Behaviour::ReadThenReset => {
                let _ = socket.read(&mut [0; 16 * 1024]);
                socket.reset();
            }
            Behaviour::Say(bytes) => {
                let _ = socket.read(&mut [0; 16 * 1024]);
                let _ = socket.write_all(bytes);
                socket.finish();
            }
            Behaviour::Speak => {
                if let Some(transport) = self.opened(socket) {
                    self.converse(transport, number, &connection.keeper);
                }
            }
            Behaviour::HandshakeThenClose => {
                if let Some(transport) = self.opened(socket) {
                    transport.finish();
                }
            }
            Behaviour::HandshakeThenReset => {
                if let Some(transport) = self.opened(socket) {
                    transport.reset();
                }
            }
        }
    }

    fn opened(&self, socket: Metered) -> Option<Transport> {
        match &self.tls {
            Some(config) => socket.shake_hands(config),
            None => Some(Transport::Plain(socket)),
        }
    }

    fn converse(&self, mut transport: Transport, number: usize, keeper: &Keeper) {
        let mut unread = Vec::new();
        loop {
            if unread.is_empty() && !more(&mut transport, &mut unread) {
                return transport.finish();
            }
            let index = self.recording.begin(number);
            let listed = match &self.answers {
                Answers::Listed(answers) => Some(nth(answers, index).clone()),
                Answers::Chosen(_) => None,
            };
            let wanted = listed.as_ref().map_or(Moment::Whole, Answer::moment);
            if !self.take_in(index, wanted, &mut transport, &mut unread) {
                return transport.finish();
            }
            let request = self.recording.request(index, |request| request.clone());
            let answer = listed.unwrap_or_else(|| match &self.answers {
                Answers::Chosen(script) => script(&request),
                Answers::Listed(_) => unreachable!("a listed answer is known before"),
            });
            self.recording.answering();
            let last = request.header("Connection") == Some("close");
            // A client that closes early is not a failure of the test.
            match say(&answer, &mut transport, keeper).unwrap_or(End::Close) {
                End::KeepAlive if !last => {}
                End::KeepAlive | End::Close => return transport.finish(),
                End::CloseTcp => return transport.finish_tcp(),
                End::Reset => return transport.reset(),
                End::Alert(description) => return transport.alert(description),
                End::Stall => {
                    keeper.stall();
                    return transport.finish();
                }
            }
        }
    }

    /// Reads a request as far as wanted; false if the client was gone before.
    fn take_in(&self, index: usize, wanted: Moment, transport: &mut Transport, unread: &mut Vec<u8>) -> bool {
        if wanted < Moment::Head {
            return true;
        }
        let head = loop {
            if let Some(end) = find(unread, b"\r\n\r\n") {
                break end;
            }
            if !more(transport, unread) {
                let rest = std::mem::take(unread);
                self.recording.request(index, |request| request.head = rest);
                return false;
            }
        };
        let head: Vec<u8> = unread.drain(..head).collect();
        let size = self.recording.request(index, |request| {
            request.read_head(&head);
            Size::of(request)
        });
        if wanted < Moment::Whole {
            return true;
        }
        let end = loop {
            if let Some(end) = size.end(unread) {
                break Some(end);
            }
            if !more(transport, unread) {
                break None;
            }
        };
        let body: Vec<u8> = unread.drain(..end.unwrap_or(unread.len())).collect();
        self.recording.request(index, |request| {
            request.body = body;
            request.complete = end.is_some();
        });
        end.is_some()
    }
}

/// How the body of a request ends.
enum Size {
    Length(usize),
    Chunked,
}

impl Size {
    fn of(request: &Recorded) -> Self {
        if request.header("Transfer-Encoding").is_some() {
            return Self::Chunked;
        }
        let length = request.header("Content-Length").unwrap_or("0");
        Self::Length(length.parse().expect("the Content-Length is a number"))
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Length(length) => (bytes.len() >= *length).then_some(*length),
            Self::Chunked => find(bytes, b"0\r\n\r\n"),
        }
    }
}

fn say(answer: &Answer, transport: &mut Transport, keeper: &Keeper) -> io::Result<End> {
    match answer {
        Answer::Silence { end, .. } => Ok(*end),
        Answer::Raw { bytes, end } => {
            transport.write_all(bytes)?;
            transport.flush()?;
            Ok(*end)
        }
        Answer::Endless { opening, repeated, pause } => {
            transport.write_all(opening)?;
            loop {
                transport.write_all(repeated)?;
                transport.flush()?;
                if !pause.is_zero() && !keeper.pause(*pause) {
                    return Ok(End::Close);
                }
            }
        }
        Answer::Reply(reply) => {
            let mut whole = reply.head();
            let mut dripped = reply.framed_body();
            match reply.drip {
                None => whole.append(&mut dripped),
                Some(Drip { head_too: true, .. }) => {
                    dripped.splice(0..0, whole.drain(..));
                }
                Some(_) => {}
            }
            transport.write_all(&whole)?;
            transport.flush()?;
            let pause = reply.drip.map(|drip| drip.pause).unwrap_or_default();
            for byte in dripped {
                if !keeper.pause(pause) {
                    return Ok(End::Close);
                }
                transport.write_all(&[byte])?;
                transport.flush()?;
            }
            Ok(reply.end)
        }
    }
}

/// Reads some more; false at the end of the stream, or when it broke.
fn more(transport: &mut Transport, unread: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 16 * 1024];
    let count = transport.read(&mut buffer).unwrap_or(0);
    unread.extend_from_slice(&buffer[..count]);
    count > 0
}

/// Where the bytes after the first such mark begin.
fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some(at + mark.len())
}

fn nth<T>(list: &[T], index: usize) -> &T {
    list.get(index).or(list.last()).expect("a script has at least one entry")
}
