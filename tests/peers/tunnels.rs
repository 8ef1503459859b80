//! A proxy made by others: tinyproxy, with and without a password, in front of nginx.

use std::fs;

use tempfile::TempDir;

use crate::harness::Vescli;
use crate::nginx::{Config, Nginx};
use crate::peer::{Peer, find, free_ports};

/// tinyproxy that lets only `ada` with the password `hunter22` through, and only to one port.
struct Tinyproxy {
    peer: Peer,
    port: u16,
}

impl Tinyproxy {
    fn start(allowed_port: u16) -> Self {
        let program = find("tinyproxy", "tinyproxy");
        let folder = TempDir::with_prefix("vescli-tinyproxy-").unwrap();
        let [port] = free_ports();
        let config = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 20\nLogFile \"{log}\"\nLogLevel Connect\nMaxClients 20\n\
             Allow 127.0.0.1\nBasicAuth ada hunter22\nConnectPort {allowed_port}\n",
            log = folder.path().join("proxy.log").display()
        );
        fs::write(folder.path().join("tinyproxy.conf"), config).unwrap();
        Self {
            peer: Peer::start(&program, folder, &["-d", "-c", "tinyproxy.conf"], port),
            port,
        }
    }
}

fn send(nginx: &Nginx, proxy: &str) -> Vescli {
    Vescli::new()
        .file("ca.pem", nginx.authority.pem())
        .args([
            "send",
            "--email",
            "a@b.co",
            "--tenant",
            "t",
            "--cacert",
            "ca.pem",
            "--retries",
            "0",
            "--proxy",
            proxy,
        ])
        .args([
            "--resolve",
            &format!("console.example:{}:127.0.0.1", nginx.port),
            "-vv",
        ])
        .args([
            "--base-url",
            &format!("https://console.example:{}", nginx.port),
        ])
        .stdout_lacks("hunter22")
        .stderr_lacks("hunter22")
}

#[test]
fn a_proxy_that_refuses_is_told_apart_from_everything_else() {
    let nginx = Nginx::start(&Config::default());
    let proxy = Tinyproxy::start(nginx.port);
    let address = format!("127.0.0.1:{}", proxy.port);
    send(&nginx, &format!("http://{address}"))
        .code(97)
        .stderr_contains("error: the proxy refused for a@b.co, tenant t\n")
        .stderr_contains("  not sent\n")
        .run();
    send(&nginx, &format!("http://ada:wrong-one@{address}"))
        .code(97)
        .stderr_contains("not sent")
        .run();
    // The password is right; the name that the proxy is asked for exists nowhere.
    send(&nginx, &format!("http://ada:hunter22@{address}"))
        .code(97)
        .stderr_contains("not sent")
        .run();
    assert_eq!(nginx.requests().len(), 0);
    assert!(
        proxy
            .peer
            .read("proxy.log")
            .contains("CONNECT console.example"),
        "the proxy was asked"
    );
}
