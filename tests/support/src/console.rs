//! The published URL as a test can reach it: a server that has the console's names, behind a proxy that leads every
//! tunnel to it, because port 443 cannot be had.

use crate::certificates::Authority;
use crate::harness::Vescli;
use crate::proxy::{Proxy, Tunnel};
use crate::server::{Recorded, Server, Setup};

pub struct Console {
    pub server: Server,
    pub proxy: Proxy,
    authority: Authority,
}

impl Console {
    pub fn start(hosts: &[&str]) -> Self {
        Self::with(hosts, |setup| setup)
    }

    pub fn with(hosts: &[&str], change: impl FnOnce(Setup) -> Setup) -> Self {
        let authority = Authority::new();
        let server = change(Server::https(authority.server_named(hosts))).start();
        let proxy = Proxy::start(Tunnel::To(server.address()));
        Self { server, proxy, authority }
    }

    /// A run that trusts the console and goes through the proxy.
    pub fn vescli(&self) -> Vescli {
        let vescli = Vescli::new();
        let authority = vescli.folder().join("authority.pem");
        vescli
            .file("authority.pem", self.authority.pem())
            .env("VESCLI_CACERT", authority)
            .env("VESCLI_PROXY", self.proxy.url())
    }

    /// The same, accepted.
    pub fn send(&self, arguments: &[&str]) -> Vescli {
        self.vescli()
            .args(["send", "--email", "hello@example.com"])
            .args(arguments)
            .stdout_contains("accepted: password email for hello@example.com ")
    }

    /// The request that came last.
    pub fn last(&self) -> Recorded {
        self.server.requests().pop().unwrap()
    }
}
