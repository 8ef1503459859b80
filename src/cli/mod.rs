//! What a user types and reads.

pub mod args;
pub mod curl;
pub mod exit;
mod exit_rows;
pub mod os_error;
pub mod report;
pub mod safe_text;
pub mod shell_words;
pub mod streams;
