//! vescli among real shells: the curl command of `--show-curl`, scripts, loops and completions. A target of its own, run by
//! `cargo test --test shells`, because it needs bash, zsh, fish, dash and curl.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a harness that cannot continue has found a failure, and a panic is how a test says so"
)]

mod completion;
mod curl;
mod pager;
mod progress;
mod scripts;
mod show_curl;
mod terminal;
