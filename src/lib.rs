//! The inside of `vescli`.

pub mod api;
pub mod cli;
pub mod commands;
pub mod settings;
