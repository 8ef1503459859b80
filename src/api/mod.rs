//! An operation of the API: what is sent, what came back, and whether to send it again.

pub mod answer;
pub mod exit;
pub mod failure;
pub mod observer;
pub mod operation;
pub mod outcome;
pub mod retry;
pub mod transport;
pub mod trust;
