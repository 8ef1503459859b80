//! vescli among real shells: the curl command of `--show-curl`, scripts, loops and completions. A target of its own, run by
//! `cargo test --test shells`, because it needs bash, zsh, fish, dash and curl.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a harness that cannot go on has found a failure, and a panic is how a test says so"
)]
#![expect(dead_code, unused_imports, reason = "the modules are those of the other target, which uses them whole")]

#[path = "../cli/certificates.rs"]
mod certificates;
mod curl;
#[path = "../cli/harness/mod.rs"]
mod harness;
#[path = "../cli/loopback.rs"]
mod loopback;
#[path = "../cli/proxy.rs"]
mod proxy;
mod scripts;
#[path = "../cli/server/mod.rs"]
mod server;
mod show_curl;
mod terminal;
