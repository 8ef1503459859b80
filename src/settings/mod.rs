//! What holds: flags, variables and file laid over each other. The first source that speaks wins, key by key:
//!
//! 1. a flag
//! 2. a `VESCLI_` variable
//! 3. the chosen profile, then the profiles that it extends
//! 4. the table `[defaults]`
//! 5. the names that F5's own tools use, and the usual proxy variables
//! 6. the built-in value
//!
//! A credential is taken whole from the first of these that names one, see [`credential`].

pub mod base_url;
mod binding;
pub mod bulk;
pub mod certificate_facts;
pub mod clock;
pub mod config_error;
pub mod config_file;
mod config_source;
mod config_table;
mod config_trust;
mod config_value;
pub mod credential;
pub mod credential_error;
pub mod error;
pub mod identity;
pub mod identity_error;
pub mod identity_source;
pub mod label;
pub mod limited_file;
pub mod network;
mod noproxy;
mod pkcs12;
pub mod proxy;
pub mod rate;
pub mod resolve;
pub mod secret;
pub mod sources;
pub mod target;
pub mod token;
mod token_command;

#[cfg(test)]
mod precedence_tests;
