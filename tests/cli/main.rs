//! Every test that runs the program from the outside: one target, so that it links once.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot go on has found a failure, and a panic is how a test says so"
)]

mod certificates;
mod harness;
mod loopback;
mod proxy;
mod server;
mod sockets;

mod answers_hold;
mod certificates_hold;
mod harness_holds;
mod journal;
mod proxy_holds;
mod server_holds;
