//! Signals as a program at a terminal finds them, however the test runner was started.

use std::fs;
use std::sync::{Arc, Once};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;

/// From now on, no child starts with one of these signals ignored: `nohup` ignores one, a shell without job control
/// others, and children inherit that. A signal that is caught is back at its default in the child (execve(2)), and
/// here the handler does as little as before.
pub(super) fn uninherited() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ignored = ignored();
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            if ignored & (1 << (signal - 1)) != 0 {
                flag::register(signal, Arc::default()).unwrap();
            }
        }
    });
}

/// The signals that this process ignores, as a mask (proc(5), `SigIgn`); none where there is no such file.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap())
}
