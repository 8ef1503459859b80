//! Loopback ports that do not answer: one that refuses, and one where connecting hangs.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

/// A port that refuses connections for as long as this lives.
pub struct ClosedPort {
    pub port: u16,
    _bound: Socket,
}

/// The socket stays bound and never listens, so that no other test can be given the port.
pub fn closed_port() -> ClosedPort {
    let (bound, address) = bound_socket();
    ClosedPort { port: address.port(), _bound: bound }
}

/// A port where connecting neither succeeds nor fails for as long as this lives.
pub struct BlackHole {
    pub port: u16,
    _listening: Socket,
    _filling: Vec<TcpStream>,
}

/// Fills the queue of a listener that accepts no connection: the kernel then drops every further SYN.
///
/// Linux lets one connection into a queue of length 0. Other kernels may let more in, so it is
/// filled until one connection does hang.
pub fn black_hole() -> BlackHole {
    let (listening, address) = bound_socket();
    listening.listen(0).unwrap();
    let mut filling = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        filling.push(stream);
        assert!(filling.len() < 1000, "the queue of the listener never fills");
    }
    BlackHole { port: address.port(), _listening: listening, _filling: filling }
}

fn bound_socket() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&SockAddr::from(address)).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}
