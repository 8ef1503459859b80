//! The primitives that the writer shares memory by. A test compiles the writer a second time with those of `shuttle` in
//! this module's place, and runs it in thousands of interleavings.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
pub(super) use std::thread::{Builder, JoinHandle, Thread, current, park};
