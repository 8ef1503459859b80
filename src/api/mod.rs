//! The operation: what is sent, what came of it, and whether to send it again.

pub mod recipient;
