//! A scripted `CONNECT` proxy that tunnels, refuses or misbehaves, and writes down what it was asked.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::loopback::{Connection, Loopback};
use crate::server::Recorded;

/// What the proxy does when it was asked for a tunnel.
#[derive(Clone, Debug)]
pub enum Tunnel {
    /// Opens it to the host that was asked for.
    Open,
    /// Opens it to here, whatever was asked for, so that names need not exist.
    To(SocketAddr),
    /// Refuses with this status, such as 403.
    Deny(u16),
    Hang,
    Close,
    /// Sends these bytes, whatever they are, and closes.
    Say(Vec<u8>),
}

/// A running proxy, as strict as the server.
pub struct Proxy {
    loopback: Loopback,
    asked: Arc<Mutex<Vec<Recorded>>>,
    uncalled: bool,
}

impl Proxy {
    pub fn start(tunnel: Tunnel) -> Self {
        Self::with(Script { tunnel, credentials: None })
    }

    /// Answers 407 to a client without this user and password.
    pub fn start_for(user: &str, password: &str, tunnel: Tunnel) -> Self {
        let pair = format!("{user}:{password}");
        Self::with(Script { tunnel, credentials: Some(format!("Basic {}", base64(pair.as_bytes()))) })
    }

    fn with(script: Script) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let localhost = Ipv4Addr::LOCALHOST.into();
        Self {
            loopback: Loopback::start(localhost, move |connection| {
                // A client or server that closes early is not a failure of the proxy.
                let _ = script.serve(&connection, &log);
            }),
            asked,
            uncalled: false,
        }
    }

    /// Turns the strictness round: a single connection fails the test.
    pub fn uncalled(mut self) -> Self {
        self.uncalled = true;
        self
    }

    pub fn port(&self) -> u16 {
        self.loopback.address().port()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.loopback.address())
    }

    /// Every request for a tunnel: the `path` is the target, `Proxy-Authorization` is a header.
    pub fn asked(&self) -> Vec<Recorded> {
        self.loopback.settle();
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let panicked = self.loopback.stop();
        if thread::panicking() {
            return;
        }
        assert!(!panicked, "a thread of the proxy panicked, see above");
        let called = self.loopback.accepted();
        if self.uncalled {
            assert_eq!(called, 0, "the proxy was called, and was not to be");
        } else {
            assert!(called > 0, "no one called the proxy");
        }
    }
}

struct Script {
    tunnel: Tunnel,
    /// The value of `Proxy-Authorization` that grants access.
    credentials: Option<String>,
}

impl Script {
    fn serve(&self, connection: &Connection, asked: &Mutex<Vec<Recorded>>) -> io::Result<()> {
        let mut client = &*connection.stream;
        let request = read_request(client, connection.number)?;
        asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        if self.credentials.is_some() && request.header("Proxy-Authorization") != self.credentials.as_deref() {
            client.write_all(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n\
                Proxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n",
            )?;
            return finish(client);
        }
        match &self.tunnel {
            Tunnel::Open => establish(connection, TcpStream::connect(&request.path)?),
            Tunnel::To(address) => establish(connection, TcpStream::connect(address)?),
            Tunnel::Deny(code) => {
                let answer = format!("HTTP/1.1 {code} \r\nContent-Length: 0\r\n\r\n");
                client.write_all(answer.as_bytes())?;
                finish(client)
            }
            Tunnel::Hang => {
                connection.keeper.stall();
                Ok(())
            }
            Tunnel::Close => finish(client),
            Tunnel::Say(bytes) => {
                client.write_all(bytes)?;
                finish(client)
            }
        }
    }
}

/// Reads byte by byte, so as not to take anything that belongs into the tunnel.
fn read_request(mut client: &TcpStream, number: usize) -> io::Result<Recorded> {
    let mut request = Recorded::begun(number);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    request.read_head(&head);
    request.complete = true;
    Ok(request)
}

/// Ends in order: what was written is read before the connection closes.
fn finish(mut client: &TcpStream) -> io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    io::copy(&mut client, &mut io::sink())?;
    Ok(())
}

fn establish(connection: &Connection, server: TcpStream) -> io::Result<()> {
    let mut client = &*connection.stream;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    join(connection, server)
}

/// Carries bytes both ways until both sides have ended. A reset arrives as an end.
pub fn join(connection: &Connection, server: TcpStream) -> io::Result<()> {
    server.set_nodelay(true)?;
    let server = Arc::new(server);
    connection.keeper.watch(&server);
    let client = &*connection.stream;
    thread::scope(|scope| {
        scope.spawn(|| carry(client, &server));
        carry(&server, client);
    });
    Ok(())
}

fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| usize::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            if at <= three.len() {
                text.push(char::from(ALPHABET[bits >> (18 - 6 * at) & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
