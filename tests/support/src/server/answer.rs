//! What the scripted server answers to one request, from a plain status to every way of misbehaving.

use std::time::Duration;

use super::gzip;

/// How far a request is read before the server acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Its first bytes have arrived and are not read.
    FirstByte,
    Head,
    Whole,
}

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    KeepAlive,
    /// An orderly end: the client reads everything that was sent, then the end of the stream.
    Close,
    /// The end of TCP without the end of TLS: the client cannot know whether there was more.
    CloseTcp,
    /// A TCP reset.
    Reset,
    /// A fatal TLS alert with this number, encrypted as all else, and an orderly end.
    Alert(u8),
    /// Nothing more, until the server is dropped.
    Stall,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    UntilClose,
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// A status with headers and body, whole or in pieces.
    Reply(Reply),
    /// These bytes, whatever they are.
    Raw { bytes: Vec<u8>, end: End },
    /// An opening, and then the same bytes for ever.
    Endless { opening: Vec<u8>, repeated: Vec<u8>, pause: Duration },
    /// Not a byte.
    Silence { after: Moment, end: End },
}

#[derive(Clone, Debug)]
pub struct Reply {
    interim: Vec<u8>,
    code: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    framing: Framing,
    /// How many bytes of the framed body are sent.
    limit: usize,
    pub(super) drip: Option<Drip>,
    pub(super) end: End,
}

/// One byte at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drip {
    pub(super) pause: Duration,
    pub(super) head_too: bool,
}

/// Answers that keep to HTTP, and what can be done to them.
impl Answer {
    /// What the service says when it has taken the request.
    pub fn accepted() -> Self {
        Self::status(200).body("{}")
    }

    pub fn status(code: u16) -> Self {
        Self::Reply(Reply {
            interim: Vec::new(),
            code,
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Length,
            limit: usize::MAX,
            drip: None,
            end: End::KeepAlive,
        })
    }

    /// Objects in objects, as deep as that.
    pub fn nested_json(depth: usize) -> Self {
        Self::status(200).body(format!("{}{{}}{}", "{\"a\":".repeat(depth), "}".repeat(depth)))
    }

    /// The value may contain any bytes; a Content-Type given here replaces the JSON one.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.with(|reply| {
            let value = value.as_ref().to_vec();
            reply.headers.push((name.to_owned(), value));
        })
    }

    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        self.with(|reply| reply.body = body.as_ref().to_vec())
    }

    /// Compresses the body that it has, although the client did not ask for it.
    pub fn gzip(self) -> Self {
        self.with(|reply| reply.body = gzip::compress(&reply.body)).header("Content-Encoding", "gzip")
    }

    /// An interim status, such as 103, ahead of the final one.
    pub fn after_interim(self, code: u16) -> Self {
        self.with(|reply| {
            let interim = format!("HTTP/1.1 {code} \r\n\r\n");
            reply.interim.extend_from_slice(interim.as_bytes());
        })
    }

    pub fn chunked(self) -> Self {
        self.with(|reply| reply.framing = Framing::Chunked)
    }

    /// No length is sent: the body lasts until the connection closes.
    pub fn until_close(self) -> Self {
        self.with(|reply| {
            reply.framing = Framing::UntilClose;
            reply.end = End::Close;
        })
    }

    /// Only N bytes of the body (as framed) are sent, then comes the end.
    pub fn cut_after(self, limit: usize, end: End) -> Self {
        self.with(|reply| {
            reply.limit = limit;
            reply.end = end;
        })
    }

    /// The body one byte at a time.
    pub fn dripping(self, pause: Duration) -> Self {
        self.with(|reply| {
            reply.drip = Some(Drip { pause, head_too: false });
        })
    }

    /// Head and body one byte at a time.
    pub fn dripping_from_the_head(self, pause: Duration) -> Self {
        self.with(|reply| {
            reply.drip = Some(Drip { pause, head_too: true });
        })
    }

    /// What comes after the answer; a connection is kept unless this says otherwise.
    pub fn then(self, end: End) -> Self {
        self.with(|reply| reply.end = end)
    }

    fn with(mut self, change: impl FnOnce(&mut Reply)) -> Self {
        let Self::Reply(reply) = &mut self else {
            panic!("only an answer with a status can be changed like that: {self:?}");
        };
        change(reply);
        self
    }
}

/// Answers that break HTTP, or are not HTTP.
impl Answer {
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref().to_vec();
        Self::Raw { bytes, end: End::Close }
    }

    pub fn garbage() -> Self {
        Self::raw(b"\x00\xff\x13\x37 this is not HTTP\r\n\r\n\x7f")
    }

    /// A body without any head, as in the first days of the web.
    pub fn http_0_9() -> Self {
        Self::raw("<html>hello</html>")
    }

    pub fn huge_status_line(length: usize) -> Self {
        Self::raw(format!("HTTP/1.1 200 {}\r\n\r\n", "O".repeat(length)))
    }

    pub fn endless_body() -> Self {
        Self::Endless {
            opening: b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":\"".to_vec(),
            repeated: vec![b'a'; 16 * 1024],
            pause: Duration::ZERO,
        }
    }

    pub fn endless_headers(pause: Duration) -> Self {
        Self::Endless { opening: b"HTTP/1.1 200 OK\r\n".to_vec(), repeated: b"X-More: and more\r\n".to_vec(), pause }
    }

    /// "Processing", for ever.
    pub fn endless_interim(pause: Duration) -> Self {
        Self::Endless { opening: Vec::new(), repeated: b"HTTP/1.1 102 Processing\r\n\r\n".to_vec(), pause }
    }

    pub fn close(after: Moment) -> Self {
        let end = End::Close;
        Self::Silence { after, end }
    }

    pub fn reset(after: Moment) -> Self {
        let end = End::Reset;
        Self::Silence { after, end }
    }

    pub fn stall(after: Moment) -> Self {
        let end = End::Stall;
        Self::Silence { after, end }
    }

    /// Reads the whole request, and sends a fatal TLS alert with this number in place of an answer.
    pub fn alert(description: u8) -> Self {
        let (after, end) = (Moment::Whole, End::Alert(description));
        Self::Silence { after, end }
    }

    /// How much of the request this answer wants to see.
    pub(super) fn moment(&self) -> Moment {
        match self {
            Self::Silence { after, .. } => *after,
            Self::Reply(_) | Self::Raw { .. } | Self::Endless { .. } => Moment::Whole,
        }
    }
}

impl Reply {
    /// The head, with the interim answers before it.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = self.interim.clone();
        head.extend_from_slice(format!("HTTP/1.1 {} \r\n", self.code).as_bytes());
        let framing = match self.framing {
            Framing::Length => format!("Content-Length: {}\r\n", self.body.len()),
            Framing::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
            Framing::UntilClose => "Connection: close\r\n".to_owned(),
        };
        head.extend_from_slice(framing.as_bytes());
        let typed = |(name, _): &(String, Vec<u8>)| name.eq_ignore_ascii_case("content-type");
        if !self.headers.iter().any(typed) {
            head.extend_from_slice(b"Content-Type: application/json\r\n");
        }
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// As much of the framed body as is to be sent.
    pub(super) fn framed_body(&self) -> Vec<u8> {
        let mut framed = self.body.clone();
        if self.framing == Framing::Chunked {
            framed = format!("{:x}\r\n", self.body.len()).into_bytes();
            framed.extend_from_slice(&self.body);
            framed.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        framed.truncate(self.limit);
        framed
    }
}
