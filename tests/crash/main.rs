//! Kills runs of `vescli bulk` wherever they are, and counts at nginx who was mailed: no one twice, no one lost, no one
//! falsely accepted. Looks at the order of system calls for what a kill cannot show. Needs Debian's packages nginx-light
//! and strace; a missing one fails its tests and says so. Run it with `cargo test --locked --test crash`.
//!
//! Each check comes with a fault that was made on purpose and that it finds: intents that are not synced, or synced
//! too late (`order`), forgotten (`random_kills`), resuming by row number, a retry of unknown rows (`planted`), a damaged
//! record that is skipped (`damage`), continuing after the disk has failed (`disk`), a journal without a record of how far
//! it was synced (`power_cut`), shards that send faster than asked for (`shards`), a report that is emptied before it is
//! replaced (`reports`), a new journal that takes its place before it is on the disk (`new_journals`).
//!
//! Small sizes run by themselves, large ones on demand: `VESCLI_KILLS=1000` kills as often at random moments (40
//! unless it is set, and 20 of shards); `VESCLI_CALLS=all` kills at every system call of a small run, and not only at those
//! that write, sync, send or open; `VESCLI_DAMAGE=all` cuts journals at every byte and turns every bit, and not only a sample of them;
//! `VESCLI_POWER_CUTS=all` tries every state that a power failure may leave.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test target: a failure has to end the test"
)]

mod damage;
mod disk;
mod every_call;
mod fixtures;
mod new_journals;
mod oracle;
mod order;
mod planted;
mod power_cut;
mod random_kills;
mod reports;
mod shards;
mod trace;

/// A variable that asks for more than the small size.
#[expect(clippy::disallowed_methods, reason = "the door is for the product")]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
