//! A scripted SOCKS5 proxy (RFC 1928, RFC 1929) that opens, refuses or misbehaves, and writes down what it was asked.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::loopback::{Connection, Loopback};
use crate::proxy::join;

/// What the proxy does.
#[derive(Clone, Debug)]
pub enum Socks {
    /// Connects to this address, whichever was requested, so that names need not exist.
    To(SocketAddr),
    /// Answers the request with this code: 2 is "not allowed", 4 "host unreachable", 5 "connection refused".
    Refuse(u8),
    /// Takes no method of authentication at all.
    NoMethod,
    /// Hangs up at once.
    Close,
    /// Answers with something that is not SOCKS.
    Garbage,
    Hang,
}

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The type of the address: 1 is IPv4, 3 a name, 4 IPv6.
    pub kind: u8,
    pub host: String,
    pub port: u16,
}

pub struct SocksProxy {
    loopback: Loopback,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl SocksProxy {
    pub fn start(script: Socks) -> Self {
        Self::with(script, None)
    }

    /// Takes only this user and password.
    pub fn start_for(user: &str, password: &str, script: Socks) -> Self {
        Self::with(script, Some((user.to_owned(), password.to_owned())))
    }

    fn with(script: Socks, account: Option<(String, String)>) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let localhost = Ipv4Addr::LOCALHOST.into();
        let loopback = Loopback::start(localhost, move |connection| {
            // A client that closes early is not a failure of the proxy.
            let _ = serve(&script, account.as_ref(), &connection, &log);
        });
        Self { loopback, asked }
    }

    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    pub fn port(&self) -> u16 {
        self.address().port()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.loopback.settle();
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    script: &Socks,
    account: Option<&(String, String)>,
    connection: &Connection,
    log: &Mutex<Vec<Asked>>,
) -> io::Result<()> {
    let mut client = &*connection.stream;
    let [_, count] = read(client)?;
    let mut methods = vec![0; usize::from(count)];
    client.read_exact(&mut methods)?;
    match script {
        Socks::Close => return Ok(()),
        Socks::Garbage => return client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Socks::Hang => {
            connection.keeper.stall();
            return Ok(());
        }
        Socks::NoMethod => return client.write_all(&[5, 0xff]),
        Socks::To(_) | Socks::Refuse(_) => {}
    }
    let wanted = if account.is_some() { 2 } else { 0 };
    if !methods.contains(&wanted) {
        return client.write_all(&[5, 0xff]);
    }
    client.write_all(&[5, wanted])?;
    if let Some((user, password)) = account {
        let [_] = read(client)?;
        let given = (text(client)?, text(client)?);
        let right = given == (user.clone(), password.clone());
        client.write_all(&[1, u8::from(!right)])?;
        if !right {
            return Ok(());
        }
    }
    let [_, _, _, kind] = read(client)?;
    let host = match kind {
        1 => Ipv4Addr::from(read::<4>(client)?).to_string(),
        3 => text(client)?,
        _ => std::net::Ipv6Addr::from(read::<16>(client)?).to_string(),
    };
    let port = u16::from_be_bytes(read(client)?);
    let asked = Asked { kind, host, port };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    let code = if let Socks::Refuse(code) = script { *code } else { 0 };
    let server = match script {
        Socks::To(address) => Some(TcpStream::connect(address)?),
        _ => None,
    };
    client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0])?;
    server.map_or(Ok(()), |server| join(connection, server))
}

fn read<const N: usize>(mut client: &TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A text with its length before it.
fn text(mut client: &TcpStream) -> io::Result<String> {
    let [length] = read(client)?;
    let mut bytes = vec![0; usize::from(length)];
    client.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
