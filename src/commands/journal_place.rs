//! The service, the URL and the folder by which the journals of a request are found.

use std::ffi::OsStr;
use std::path::PathBuf;

use url::Url;

use crate::args::environment::{Environment, SANDBOX_VARIABLE};
use crate::bulk::journal::{JournalError, journal_folder, service_of};

/// The service of all rehearsals.
pub(super) const SANDBOX: &str = "sandbox";

/// Where the people of a service are known.
pub(super) struct JournalPlace {
    pub(super) service: String,
    /// What the name of a list's journal is made from in place of the URL.
    pub(super) url: String,
    pub(super) folder: PathBuf,
}

impl JournalPlace {
    /// All sandboxes are one service, with separate journals: what was rehearsed in one continues in the next.
    ///
    /// # Errors
    /// [`JournalError::NoHome`] when there is no folder to keep them in.
    pub(super) fn of(url: &Url, environment: &Environment) -> Result<Self, JournalError> {
        let origin = url.origin().ascii_serialization();
        let is_rehearsal = environment.get(SANDBOX_VARIABLE) == Some(OsStr::new(&origin));
        let (service, url) = if is_rehearsal {
            (SANDBOX.to_owned(), format!("{SANDBOX}{}", url.path()))
        } else {
            (service_of(url.as_str()), url.to_string())
        };
        Ok(Self { service, url, folder: journal_folder(environment, is_rehearsal)? })
    }
}
