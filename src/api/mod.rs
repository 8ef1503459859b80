//! The operation: what is sent, what came of it, and whether to send it again.

pub mod answer;
pub mod certificate_files;
mod certificate_words;
mod connections;
pub mod failure;
mod failure_words;
pub mod io_error;
mod lookup;
pub mod observer;
pub mod outcome;
mod pem_bundle;
mod receive;
pub mod recipient;
pub mod request;
pub mod retry;
mod sessions;
mod system_store;
pub mod transport;
pub mod trust;
pub mod way;
