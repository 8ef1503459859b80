//! The inside of `vescli`.

pub mod api;
pub mod commands;
pub mod settings;
