//! An operation of the API: what is sent, what came back, and whether to send it again.

pub mod answer;
mod certificate_refusal;
pub mod failure;
mod handshake;
pub mod lookup;
pub mod observer;
pub mod operation;
pub mod outcome;
pub mod recipient;
pub mod request;
pub mod retry;
pub mod send_password_email;
pub mod transport;
pub mod trust;

use operation::Operation;

/// Every operation that there is a command for: what the sandbox answers.
pub static OPERATIONS: &[&Operation] = &[&send_password_email::SEND_PASSWORD_EMAIL];
