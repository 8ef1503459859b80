//! A proxy made by others: squid with a password, in front of nginx. Its own file of hosts takes an invented name to
//! this machine, because a loopback address is never reached through a proxy.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::send_to;
use support::harness::Vescli;
use support::nginx::{Config, Nginx};
use support::peer::{Peer, find, free_ports};

const HOST: &str = "console.example";

/// `ada` with the password `hunter22`, as `openssl passwd -apr1 -salt vescli hunter22` writes it.
const PASSWORD_LINE: &str = "ada:$apr1$vescli$dK/rjVsutXR.bUG7NEXRQ1\n";

/// squid that lets `ada` through, and only to one port.
struct Squid {
    peer: Peer,
    port: u16,
    name: String,
}

impl Squid {
    fn start(allowed_port: u16) -> Self {
        let program = find("squid", "squid");
        let folder = TempDir::with_prefix("vescli-squid-").unwrap();
        // Started by root, squid becomes the user nobody, who has to write its logs here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let [port] = free_ports();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("passwords", PASSWORD_LINE);
        write("hosts", &format!("127.0.0.1 {HOST}\n"));
        let config = CONFIG
            .replace("FOLDER", &folder.path().to_string_lossy())
            .replace("OWN_PORT", &port.to_string())
            .replace("ALLOWED_PORT", &allowed_port.to_string());
        write("squid.conf", &config);
        // The name of its shared memory: two squids of one name do not start.
        let name = format!("vescli{port}");
        let arguments = ["-N", "-d1", "-n", &name, "-f", "squid.conf"];
        Self { peer: Peer::start(&program, folder, &arguments, port), port, name }
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        for part in ["metadata", "queues", "readers"] {
            fs::remove_file(format!("/dev/shm/{}-cf__{part}.shm", self.name)).ok();
        }
    }
}

const CONFIG: &str = "
http_port 127.0.0.1:OWN_PORT
pid_filename none
cache deny all
cache_log stdio:FOLDER/cache.log
access_log stdio:FOLDER/access.log
hosts_file FOLDER/hosts
dns_nameservers 127.0.0.1
coredump_dir FOLDER
cache_effective_user nobody
cache_effective_group nogroup
shutdown_lifetime 0 seconds
auth_param basic program /usr/lib/squid/basic_ncsa_auth FOLDER/passwords
auth_param basic children 1
acl people proxy_auth REQUIRED
acl allowed_port port ALLOWED_PORT
http_access deny CONNECT !allowed_port
http_access allow people
http_access deny all
";

fn send(nginx: &Nginx, proxy: &str) -> Vescli {
    send_to(&nginx.authority, &format!("https://{HOST}:{}", nginx.port))
        .args(["--proxy", proxy, "-vv"])
        .stdout_lacks("hunter22")
        .stderr_lacks("hunter22")
}

#[test]
fn a_request_goes_through_squid_and_its_refusal_is_distinguished() {
    let nginx = Nginx::start(&Config { names: &[HOST], ..Config::default() });
    let squid = Squid::start(nginx.port);
    let address = format!("127.0.0.1:{}", squid.port);
    for refused in [format!("http://{address}"), format!("http://ada:wrong-one@{address}")] {
        send(&nginx, &refused)
            .code(97)
            .stderr_contains("error: the proxy refused for a@b.co, tenant t\n")
            .stderr_contains("  not sent\n")
            .run();
    }
    assert_eq!(nginx.requests().len(), 0);
    send(&nginx, &format!("http://ada:hunter22@{address}"))
        .stdout_contains("accepted: password email for a@b.co")
        .stderr_contains("* proxy: http://***@")
        .run();
    assert_eq!(nginx.requests().len(), 1);
    let log = squid.peer.read("access.log");
    assert!(log.contains(&format!("CONNECT {HOST}:{} ada", nginx.port)), "{log}");
}

#[test]
fn a_port_that_squid_does_not_allow_is_a_refusal() {
    let nginx = Nginx::start(&Config { names: &[HOST], ..Config::default() });
    let squid = Squid::start(1);
    send(&nginx, &format!("http://ada:hunter22@127.0.0.1:{}", squid.port))
        .code(97)
        .stderr_contains("  not sent\n")
        .run();
    assert_eq!(nginx.requests().len(), 0);
}
