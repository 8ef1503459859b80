//! The other side of a row: servers, proxies and ports, and the flags that lead there.

use std::any::Any;
use std::ffi::OsString;

use support::certificates::{Authority, Identity};
use support::harness::Vescli;
use support::proxy::{Proxy, Tunnel};
use support::server::{Answer, Behaviour, End, Server, Setup};

/// The name of servers behind a proxy; it is never resolved.
pub(super) const BEHIND: &str = "https://service.invalid";

/// What every proxy is given along with a user, wanted or not; it must never be seen.
pub(crate) const PROXY_PASSWORD: &str = "c4n4ry-Pr0xy-77aa";

/// The other side. It lives as long as this.
pub(crate) struct Scene {
    server: Option<Server>,
    flags: Vec<OsString>,
    /// Trusted certificates, in place of the system's.
    trusted: Option<String>,
    kept: Vec<Box<dyn Any>>,
}

impl Scene {
    /// Flags for an address where none of these servers listens.
    pub(super) fn nowhere(flags: &[&str]) -> Self {
        Self { server: None, flags: flags.iter().map(OsString::from).collect(), trusted: None, kept: Vec::new() }
    }

    fn of(server: Server) -> Self {
        let url = server.url();
        Self { server: Some(server), ..Self::nowhere(&["--base-url", &url]) }
    }

    pub(super) fn keeping(mut self, kept: impl Any) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    pub(super) fn trusting(self, authority: &Authority) -> Self {
        Self { trusted: Some(authority.pem()), ..self }
    }

    /// How many requests began to arrive at the server.
    pub(crate) fn requests(&self) -> usize {
        self.server.as_ref().map_or(0, Server::count)
    }

    /// Not a byte of a request came, on one connection at most.
    pub(super) fn is_untouched(&self) -> bool {
        self.server.as_ref().is_none_or(|server| server.bytes_received() == 0 && server.connections().len() <= 1)
    }

    /// Points the program at this.
    pub(crate) fn prepare(&self, vescli: Vescli) -> Vescli {
        let vescli = match &self.trusted {
            None => vescli,
            Some(pem) => {
                let path = vescli.folder().join("trusted.pem");
                vescli.file("trusted.pem", pem).env("SSL_CERT_FILE", path)
            }
        };
        vescli.args(&self.flags)
    }
}

/// A plain server with one answer.
pub(super) fn answers(answer: Answer) -> Scene {
    Scene::of(Server::http().answer(answer).start())
}

/// A status, with the service's own empty object.
pub(super) fn status(code: u16) -> Scene {
    answers(Answer::status(code).body("{}"))
}

/// A 200 with this body.
pub(super) fn body(body: &str) -> Scene {
    answers(Answer::status(200).body(body))
}

/// These bytes and an orderly end.
pub(super) fn raw(bytes: &str) -> Scene {
    answers(Answer::raw(bytes))
}

/// These bytes, and then nothing, with the connection left open.
pub(super) fn raw_then_stall(bytes: &str) -> Scene {
    answers(Answer::Raw { bytes: bytes.as_bytes().to_vec(), end: End::Stall })
}

/// A plain server that does this to every connection.
pub(super) fn behaves(behaviour: Behaviour) -> Scene {
    Scene::of(Server::http().behaviours([behaviour]).start())
}

/// A server with TLS and a good certificate.
pub(super) fn tls(change: impl FnOnce(Setup) -> Setup) -> Scene {
    let authority = Authority::new();
    let server = change(Server::https(authority.server())).start();
    Scene::of(server).trusting(&authority)
}

/// A server with TLS that does this to every connection.
pub(super) fn tls_behaves(behaviour: Behaviour) -> Scene {
    tls(|setup| setup.behaviours([behaviour]))
}

/// A server with TLS that shows a certificate of this making; its authority is trusted.
pub(super) fn shows(identity: impl FnOnce(&Authority) -> Identity) -> Scene {
    let authority = Authority::new();
    Scene::of(Server::https(identity(&authority)).start()).trusting(&authority)
}

/// The same, and another authority is trusted.
pub(super) fn shows_to_others(identity: Identity) -> Scene {
    let trusted = Some(Identity::self_signed_authority().certificate_pem().to_owned());
    Scene { trusted, ..Scene::of(Server::https(identity).start()) }
}

/// A server with TLS whose trusted authority may issue certificates for other hosts alone.
pub(super) fn constrained() -> Scene {
    let authority = Authority::constrained();
    Scene::of(Server::https(authority.server()).start()).trusting(&authority)
}

/// A server with TLS that shows an authority's certificate, signed by itself and trusted.
pub(super) fn trusted_authority() -> Scene {
    let identity = Identity::self_signed_authority();
    let trusted = Some(identity.certificate_pem().to_owned());
    Scene { trusted, ..Scene::of(Server::https(identity).start()) }
}

/// A server with TLS that wants a certificate of its clients.
pub(super) fn wants_a_certificate(version: fn(Setup) -> Setup) -> Scene {
    let authority = Authority::new();
    let setup = version(Server::https(authority.server()).clients_of(&authority));
    Scene::of(setup.start()).trusting(&authority)
}

/// A server with TLS that asks for a certificate, lets everyone in, reads the request, and then sends this alert.
pub(super) fn alerts(description: u8) -> Scene {
    let authority = Authority::new();
    let setup = Server::https(authority.server()).asks_clients_of(&authority);
    Scene::of(setup.answer(Answer::alert(description)).start()).trusting(&authority)
}

/// A proxy that does this when it is asked for a tunnel; there is nothing behind it.
pub(super) fn proxy(tunnel: Tunnel) -> Scene {
    behind(Proxy::start(tunnel))
}

/// A proxy that wants another password than the one that is given.
pub(super) fn proxy_with_password() -> Scene {
    behind(Proxy::start_for("ada", "another", Tunnel::Open))
}

fn behind(proxy: Proxy) -> Scene {
    let address = format!("127.0.0.1:{}", proxy.port());
    through("http", &address).keeping(proxy)
}

/// The flags that lead through a proxy at this address.
pub(super) fn through(scheme: &str, address: &str) -> Scene {
    let url = format!("{scheme}://ada:{PROXY_PASSWORD}@{address}");
    Scene::nowhere(&["--base-url", BEHIND, "--proxy", &url])
}

/// A good tunnel to a server with TLS whose certificate is for these names.
pub(super) fn tunnel_to(name: &str, change: impl FnOnce(Setup) -> Setup) -> Scene {
    let authority = Authority::new();
    let server = change(Server::https(authority.server_named(&[name]))).start();
    let proxy = Proxy::start(Tunnel::To(server.address()));
    let scene = Scene { server: Some(server), ..behind(proxy) };
    scene.trusting(&authority)
}
