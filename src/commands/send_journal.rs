//! The journal of a single send, so that `bulk` knows the person later. If a send cannot be recorded, it is sent all the same,
//! with a warning.

use std::path::PathBuf;

use super::interrupt::Interrupts;
use crate::api::failure::without_number;
use crate::api::operation::{ApiRequest, SEND_PASSWORD_EMAIL};
use crate::api::outcome::Outcome;
use crate::args::environment::Environment;
use crate::bulk::journal::{
    Author, End, Intent, JournalError, JournalPlace, Person, RowKey, RunHeader, SINGLE_SENDS, SingleSend, key,
    path_of_single_sends,
};
use crate::report::Reporter;
use crate::report::escape::quote;

/// The row number of a single send.
const ROW: u64 = 1;

/// The records of a send. After a failure nothing more is recorded.
#[derive(Default)]
pub(super) struct SendJournal {
    recording: Option<Recording>,
    /// What could not be recorded, for the document of the result.
    pub(super) warnings: Vec<String>,
}

struct Recording {
    path: PathBuf,
    header: RunHeader,
    key: RowKey,
    email: String,
    send: Option<SingleSend>,
    /// The attempt whose end is missing.
    open: Option<u64>,
    /// Whether the person is unknown in the journal.
    is_unknown: bool,
}

impl SendJournal {
    /// The journal for a request to a person. Only password emails are recorded; other operations do not mail the link.
    pub(super) fn new(
        request: &ApiRequest,
        tenant: Option<&str>,
        (email, cname): (String, String),
        environment: &Environment,
    ) -> Self {
        // Containers often set neither variable, and then no record is expected. `bulk` also looks up the user's home in the
        // system's table, which would take longer than the whole record of a send.
        let is_named = cfg!(windows) || ["XDG_STATE_HOME", "HOME"].iter().any(|name| environment.get(name).is_some());
        if !is_named || *request.operation != SEND_PASSWORD_EMAIL {
            return Self::default();
        }
        let Ok(JournalPlace { service, folder, .. }) = JournalPlace::of(&request.url, environment) else {
            return Self::default();
        };
        let (path, key) = (path_of_single_sends(&folder, &service), key(&service, &cname, &email));
        let header = RunHeader {
            url: request.url.to_string(),
            service,
            tenant: tenant.map(str::to_owned),
            cname,
            list: SINGLE_SENDS.to_owned(),
            rows: ROW,
            author: Author::of(environment),
            ..RunHeader::default()
        };
        let recording = Recording { path, header, key, email, send: None, open: None, is_unknown: false };
        Self { recording: Some(recording), warnings: Vec::new() }
    }

    /// Records the intent of an attempt. After it returns, the request may be sent.
    pub(super) fn intend(&mut self, attempt: u64, interrupts: &Interrupts, reporter: &mut Reporter) {
        let effect = "no list will know this person (to send without a record: --no-journal)";
        self.record("this send is not recorded", effect, reporter, |recording| {
            let Recording { path, header, key, email, send, open, .. } = recording;
            let intent = Intent { person: Person { key: *key, email, cname: &header.cname }, row: ROW, attempt };
            let wait = |time| interrupts.sleep(time).is_continue();
            match send {
                Some(send) => send.intend(&intent, wait)?,
                None => *send = Some(SingleSend::begin(path, header, &intent, wait)?),
            }
            *open = Some(attempt);
            Ok(())
        });
    }

    /// Records the outcome of all attempts so far, before it is shown.
    pub(super) fn conclude(&mut self, outcome: Outcome, status: Option<u16>, reporter: &mut Reporter) {
        let effect = "lists will treat this person as unknown";
        self.record("the outcome of this send is not recorded", effect, reporter, |recording| {
            let Recording { header, key, email, send, open, is_unknown, .. } = recording;
            if let (Some(send), Some(attempt)) = (send, open.take()) {
                let person = Person { key: *key, email, cname: &header.cname };
                *is_unknown = send.conclude(&person, &End { attempt, outcome, status, due: false })?;
            }
            Ok(())
        });
    }

    /// Records something; a failure ends the recording with a warning.
    fn record(
        &mut self,
        what: &str,
        effect: &str,
        reporter: &mut Reporter,
        work: impl FnOnce(&mut Recording) -> Result<(), JournalError>,
    ) {
        if let Some(Err(error)) = self.recording.as_mut().map(work) {
            self.recording = None;
            let warning = without_number(&format!("{what}: {error}; {effect}"));
            if !reporter.output().json {
                reporter.warn(&warning);
            }
            self.warnings.push(warning);
        }
    }

    /// The command with which the operator records what they find out; None if the person is not unknown in the journal. It
    /// names the journal by its path, because each month has a journal of its own.
    pub(super) fn resolve_command(&self) -> Option<String> {
        let recording = self.recording.as_ref().filter(|recording| recording.is_unknown)?;
        let [path, email, cname] =
            [&*recording.path.to_string_lossy(), &recording.email, &recording.header.cname].map(quote);
        Some(format!("vescli journal resolve {path} --email {email} --cname {cname} --as accepted"))
    }
}
