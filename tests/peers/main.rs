//! vescli against servers of other projects, and its reports read by programs of other projects. Needs Debian's packages
//! curl, faketime, iproute2, nginx-light, openssl, prometheus, python3-junitparser, squid, stunnel4 and util-linux; a missing
//! one fails its tests and says so. Run it with `cargo test --locked --test peers`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test target: a failure has to end the test")]

mod bulk_limits;
mod client_certificates;
mod machine;
mod nginx;
mod openssl_files;
mod reports;
mod silent_resolver;
mod tunnels;

use support::certificates::Authority;
use support::harness::Vescli;

/// One send, tried once, to a server whose certificate this authority signed.
fn send_to(authority: &Authority, url: &str) -> Vescli {
    Vescli::new().file("ca.pem", authority.pem()).args(["send", "--email", "a@b.co", "--tenant", "t"]).args([
        "--cacert",
        "ca.pem",
        "--retries",
        "0",
        "--base-url",
        url,
    ])
}
