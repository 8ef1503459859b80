//! The operation: what is sent, what came of it, and whether to send it again.

pub mod answer;
mod connections;
pub mod failure;
pub mod outcome;
mod receive;
pub mod recipient;
pub mod request;
pub mod retry;
pub mod transport;
pub mod trust;
