//! Hostile input by the thousand for everything that reads what others wrote: no panic, no hang, and the promises that
//! hold whatever comes. Few cases by default; `VESCLI_CASES=100000 cargo test --test properties` runs more.
#![expect(clippy::unwrap_used, reason = "a panic is how a test says that it has found something")]

mod answers;
mod binding;
mod configuration;
#[cfg(unix)]
mod operation;
mod shown;
mod urls;

use std::time::{Duration, Instant};

use proptest::test_runner::Config;

/// Longest time for one case: nothing that is read here takes a thousandth of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The number of cases: that of the environment, else a small one.
#[expect(clippy::disallowed_methods, reason = "the tests have an environment of their own")]
fn cases(few: u32) -> u32 {
    std::env::var("VESCLI_CASES").map_or(few, |text| text.parse().unwrap())
}

/// A failure is shrunk and printed with the seed that makes it again; no file is left behind.
fn config() -> Config {
    Config { cases: cases(64), failure_persistence: None, ..Config::default() }
}

/// Runs it and fails if that took too long.
fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    done
}
