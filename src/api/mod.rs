//! An operation: what is sent, what came of it, and whether to send it again.

pub mod answer;
mod certificate_refusal;
mod connections;
pub mod failure;
pub mod lookup;
pub mod observer;
pub mod operation;
pub mod outcome;
mod pem_bundle;
pub mod recipient;
pub mod request;
pub mod retry;
mod sessions;
pub mod transport;
pub mod trust;
pub mod user_wait;
