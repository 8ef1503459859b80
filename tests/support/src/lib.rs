//! What the test targets and benchmarks share: scripted servers and proxies, certificates, nginx, the harness that runs
//! vescli in a scratch folder, and lists of any length. It knows vescli as a program only.
#![cfg(unix)]
#![expect(
    clippy::expect_used,
    clippy::new_without_default,
    clippy::panic,
    clippy::unwrap_used,
    reason = "support that cannot continue panics, which is how a test fails; and a new server of a test is no default"
)]

pub mod certificates;
pub mod console;
pub mod harness;
pub mod lists;
pub mod loopback;
pub mod nginx;
pub mod peer;
pub mod proxy;
pub mod server;
pub mod sockets;
pub mod socks;

/// The program under test, as text, because scripts of shells contain it.
pub fn program() -> String {
    format!("{}/vescli", program_folder())
}

/// Its folder, for `PATH`: cargo builds it next to the folder of the test targets and of the benchmarks.
pub fn program_folder() -> String {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().to_str().unwrap().to_owned()
}
