//! Prepares a run before the first request: settings, list, credential, journals, and the plan.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::reports::Reports;
use super::resume_command::SameCommand;
use crate::api::operation::{self, ApiRequest, CNAME, SEND_PASSWORD_EMAIL};
use crate::api::transport::{Transport, TransportError};
use crate::args::settings_table::Setting;
use crate::bulk::journal::{
    Author, ConcurrentRuns, Journal, JournalError, JournalPlace, KnownElsewhere, ListName, OpenMode, OwnJournal,
    OwnRun, Recovered, RowKey, RunHeader, RunRecord, SANDBOX, Siblings, Snapshot, default_path, first_run,
    journal_of_shard, open_to_read, take_snapshot,
};
use crate::bulk::list::{self, BadRow, Format, List, Row};
use crate::bulk::plan::{Plan, Selection, key_of};
use crate::commands::Context;
use crate::commands::error::{BulkError, CommandError};
use crate::commands::send::secrets;
use crate::report::bulk_text::PlanFacts;
use crate::report::text::{counted, grouped};
use crate::settings::bulk::{BulkSettings, OnKnown};
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::error::SettingsError;
use crate::settings::file::FileErrorKind;
use crate::settings::sources::Sources;
use crate::settings::{Output, Settings};

/// A run that is ready to start, with everything that it needs.
pub(super) struct Prepared {
    pub(super) settings: Settings,
    pub(super) bulk: BulkSettings,
    pub(super) cname: String,
    /// The request without its recipient.
    pub(super) request: ApiRequest,
    pub(super) identity: Option<ClientCertificate>,
    /// The values that must never be shown.
    pub(super) secrets: Vec<Secret>,
    pub(super) list: List,
    /// The path of the list as it was typed.
    pub(super) name: String,
    pub(super) list_name: ListName,
    /// The service: part of each person's key in the journals.
    pub(super) service: String,
    pub(super) journal: PathBuf,
    /// The folder with the journals of other lists.
    pub(super) folder: PathBuf,
    /// How many people are on the whole list, all shards included.
    pub(super) people: usize,
    /// The journals of other divisions of this list; empty until they are read.
    pub(super) siblings: Siblings,
    /// The people who are known from other lists; empty until the journals are searched.
    pub(super) elsewhere: KnownElsewhere,
    /// The report files: `--junit` and `--metrics`.
    pub(super) reports: Reports,
    pub(super) dry_run: bool,
    pub(super) no_input: bool,
    pub(super) author: Author,
    pub(super) same: SameCommand,
}

/// Prepares a run. Gives the reporter the details of the request as soon as they are known, for error reports.
pub(super) fn prepare(input: &Path, same: SameCommand, context: &mut Context) -> Result<Prepared, CommandError> {
    let environment = context.environment;
    let sources = Sources::gather(context.flags, environment)?;
    context.set_output(Output::resolve(&sources));
    let info = &mut context.reporter.request;
    let settings = Settings::resolve(&sources, environment)?;
    let bulk = BulkSettings::resolve(&sources)?;
    info.set(Setting::Cname, settings.cname.clone());
    info.tenant.clone_from(&settings.tenant);
    let missing = || SettingsError::Missing { key: Setting::Cname, config: settings.config.clone() };
    let cname = settings.cname.clone().ok_or_else(missing)?;
    operation::check(&CNAME, &cname, settings.allow_any_email)?;
    let unsigned = ApiRequest::without_values(&SEND_PASSWORD_EMAIL, &settings.target)?;
    info.url = Some(unsigned.url.to_string());
    // Before the secrets are read: a process that has secrets in memory may not read its own descriptors.
    let list_name = ListName::of(input);
    if list_name.is_stdin() && matches!(settings.credential.token, Some((TokenSource::Stdin, _))) {
        return Err(BulkError::TwoInputs.into());
    }
    let mut list = read(input, &bulk, &cname, settings.allow_any_email)?;
    let credential = settings.credential.load(environment)?;
    info.with_credential = credential.token.is_some() || credential.certificate.is_some();
    let place = JournalPlace::of(&unsigned.url, environment)?;
    let mut journal = match &bulk.journal {
        Some(path) => path.clone(),
        None => default_path(&place.folder, &place.url, &cname, &list_name),
    };
    let people = list.rows.len();
    if let Some(shard) = bulk.shard {
        journal = journal_of_shard(&journal, shard);
        list.rows.retain(|row| shard.contains(key_of(&place.service, &cname, row).shard_bits()));
    }
    let dry_run = sources.is_on(Setting::DryRun);
    let reports = Reports::open(&bulk, input, &journal, dry_run)?;
    Ok(Prepared {
        secrets: secrets(&settings, &credential),
        request: ApiRequest { token: credential.token, ..unsigned },
        identity: credential.certificate,
        settings,
        bulk,
        cname,
        list,
        name: input.to_string_lossy().into_owned(),
        list_name,
        service: place.service,
        journal,
        folder: place.folder,
        people,
        siblings: Siblings::default(),
        elsewhere: KnownElsewhere::default(),
        reports,
        dry_run,
        no_input: sources.is_on(Setting::NoInput),
        author: Author::of(environment),
        same,
    })
}

fn read(input: &Path, bulk: &BulkSettings, cname: &str, allow_any_email: bool) -> Result<List, BulkError> {
    let (source, by_name): (Box<dyn Read>, Format) = if input.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), Format::Auto)
    } else {
        let file = File::open(input).map_err(|error| FileErrorKind::from(error).at(input))?;
        (Box::new(file), Format::of_name(input))
    };
    let format = Format::named(&bulk.format).filter(|format| *format != Format::Auto).unwrap_or(by_name);
    let name = || input.to_string_lossy().into_owned();
    let list = list::read(source, format, cname, allow_any_email);
    let list = list.map_err(|error| BulkError::Rows { name: name(), error })?;
    // Also an error with --skip-invalid, if no valid row is left.
    if !list.bad.is_empty() && (!bulk.skip_invalid || list.rows.is_empty()) {
        return Err(BulkError::BadRows { name: name(), bad: list.bad, usable: !list.rows.is_empty() });
    }
    Ok(list)
}

impl Prepared {
    pub(super) fn facts<'a>(&'a self, plan: &'a Plan, known: &Recovered) -> PlanFacts<'a> {
        PlanFacts {
            settings: &self.settings,
            bulk: &self.bulk,
            url: self.request.url.as_str(),
            cname: &self.cname,
            name: &self.name,
            journal: self.journal.to_str().unwrap_or("(a path that is not text)"),
            list: &self.list,
            people: self.people as u64,
            plan,
            siblings: self.siblings.paths().count() as u64,
            accepted_at: known.accepted.map(|(first, last)| (first.to_string(), last.to_string())),
            elsewhere: &self.elsewhere,
            sets_aside: self.bulk.fresh && self.journal.exists(),
        }
    }

    /// Warnings about the list and the settings.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.settings.warnings.iter().cloned().chain(self.left_out_warning()).chain(self.unread_warnings()).collect()
    }

    /// Warnings about journals of other lists that could not be read completely.
    pub(super) fn unread_warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.elsewhere.unread.iter().map(|(path, why)| {
            format!(
                "the journal {} could not be read completely ({why}): people in it may be mailed again; see `vescli journal check`",
                path.display()
            )
        })
    }

    /// A warning about rows that are left out because they cannot be used. It is shown even with `-q`, because these
    /// people are not mailed.
    pub(super) fn left_out_warning(&self) -> Option<String> {
        let bad = &self.list.bad;
        let BadRow { line, reason } = bad.first()?;
        let (are, more) = match bad.len() as u64 {
            1 => ("is", String::new()),
            count => ("are", format!(" (and {} more)", grouped(count - 1))),
        };
        let rows = counted(bad.len() as u64, "row");
        Some(format!("{rows} that cannot be used {are} left out: line {line}: {reason}{more}"))
    }

    /// A client for each worker. The first one is made at once, because it finds errors in the settings.
    pub(super) fn transports(
        &self,
    ) -> Result<impl Iterator<Item = Result<Transport, TransportError>> + '_, CommandError> {
        let (network, identity) = (&self.settings.network, self.identity.as_ref());
        let mut clients = Transport::several(network, identity, &self.request, self.bulk.keep_alive)?;
        let first = clients.next().transpose()?;
        Ok(first.map(Ok).into_iter().chain(clients))
    }
}

/// Whether a plan sends only to people who are in the shown plan with the same state.
fn is_covered(plan: &Plan, shown: &Plan) -> bool {
    // Both are in the order of the list.
    let mut tasks = shown.tasks.iter();
    plan.left_alone.accepted >= shown.left_alone.accepted
        && plan.tasks.iter().all(|task| tasks.any(|other| other == task))
}

impl Prepared {
    /// Reads the journal without locking or making it. The result is empty with `--fresh`.
    pub(super) fn inspect_journal(&self) -> Result<Snapshot, JournalError> {
        if !self.dry_run {
            self.check_unused()?;
        }
        if self.bulk.fresh {
            self.check_replaceable()?;
            return Ok(Snapshot::default());
        }
        match take_snapshot(&self.journal) {
            Err(JournalError::Missing { .. }) => Ok(Snapshot::default()),
            snapshot => snapshot,
        }
    }

    /// Reads the journals of other divisions of this list, and adds their states to `known`.
    pub(super) fn read_siblings(&mut self, known: &mut Recovered) -> Result<(), JournalError> {
        let siblings = Siblings::read(self.own_run())?;
        if let (true, Some(path)) = (self.bulk.fresh, siblings.paths().next()) {
            return Err(JournalError::FreshShard { path: path.to_owned() });
        }
        siblings.add_to(known);
        self.siblings = siblings;
        Ok(())
    }

    /// The same again when the run's own journal is locked. If the run cannot begin, removes a journal that was made
    /// for it: other runs would take it for that of a shard that was run.
    pub(super) fn recheck_siblings(&self, known: &mut Recovered) -> Result<(), JournalError> {
        self.siblings.check_unchanged(self.own_run()).inspect_err(|_| {
            if known.runs.is_empty() && known.set_aside.is_none() {
                let _ = fs::remove_file(&self.journal);
            }
        })?;
        // Read again, because another run may have written to the run's own journal before it was locked.
        Siblings::read(self.own_run())?.add_to(known);
        Ok(())
    }

    fn own_run(&self) -> OwnRun<'_> {
        OwnRun {
            journal: &self.journal,
            shard: self.bulk.shard,
            service: &self.service,
            url: self.request.url.as_str(),
        }
    }

    /// The fields of the run's record.
    pub(super) fn header(&self) -> RunHeader {
        RunHeader {
            url: self.request.url.to_string(),
            service: self.service.clone(),
            tenant: self.settings.tenant.clone(),
            cname: self.cname.clone(),
            list: self.list_name.word(),
            input_sha256: self.list.sha256.clone(),
            rows: self.list.rows.len() as u64,
            shard: self.bulk.shard,
            author: self.author.clone(),
        }
    }

    /// Makes the journal of a shard that has nothing to send, so that other runs see that this shard was run.
    pub(super) fn make_missing_journal(&self) -> Result<(), JournalError> {
        if self.bulk.shard.is_some() && !self.journal.exists() {
            Journal::open(&self.journal, OpenMode::Resume, &self.header())?;
        }
        Ok(())
    }

    /// Checks that the journal may be set aside: a rehearsal must not replace a journal of real sends.
    fn check_replaceable(&self) -> Result<(), JournalError> {
        let of_others = |run: &RunRecord| self.service == SANDBOX && run.service != SANDBOX;
        let refused = |run: RunRecord| JournalError::NoRehearsal { path: self.journal.clone(), url: run.url };
        first_run(&self.journal).filter(of_others).map_or(Ok(()), |run| Err(refused(run)))
    }

    /// Checks that no other run uses this journal, whose rows under way would look unknown. This run locks the journal
    /// later, when it opens it.
    fn check_unused(&self) -> Result<(), JournalError> {
        // Before the journal is opened: the error about its permissions advises `chmod 600`, which does not help if the
        // file is the list.
        if fs::canonicalize(&self.journal).is_ok_and(|path| fs::canonicalize(&self.name).is_ok_and(|list| list == path))
        {
            return Err(JournalError::TheList { path: self.journal.clone() });
        }
        let file = match open_to_read(&self.journal) {
            Err(JournalError::Missing { .. }) => return Ok(()),
            opened => opened?,
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: self.journal.clone() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    /// Makes the plan again when the journal is locked. It is an error if the shown plan had another state for a row:
    /// another run may have begun a new journal since then. With `sends_known`, it does not matter which people other
    /// lists know.
    pub(super) fn plan_again(&self, known: &Recovered, shown: &Plan, sends_known: bool) -> Result<Plan, JournalError> {
        let plan = self.plan(known);
        if !sends_known && self.knows_more_elsewhere(known)? {
            return Err(JournalError::KnownSince);
        }
        if !is_covered(&plan, shown) {
            return Err(JournalError::Changed { path: self.journal.clone() });
        }
        Ok(plan)
    }

    /// Whether other lists know more people than when the plan was made: other runs may have sent while this one waited
    /// for an answer.
    fn knows_more_elsewhere(&self, known: &Recovered) -> Result<bool, JournalError> {
        if self.elsewhere.is_current(&self.folder, self.own_journal(known))? {
            return Ok(false);
        }
        let now = self.search_other_journals(known)?;
        Ok(now.rows.iter().any(|(index, _)| self.elsewhere.of(*index).is_none()))
    }

    pub(super) fn plan(&self, known: &Recovered) -> Plan {
        Plan::new(&self.list.rows, known, &self.elsewhere, |row| self.key_of(row), self.selection())
    }

    fn key_of(&self, row: &Row) -> RowKey {
        key_of(&self.service, &self.cname, row)
    }

    /// The run's own journal, whose content is `known`.
    fn own_journal(&self, known: &Recovered) -> OwnJournal<'_> {
        OwnJournal { journal: &self.journal, replaces_set_aside: self.bulk.fresh || !known.states.is_empty() }
    }

    /// The runs of other lists that may be running; none with `--known send`.
    pub(super) fn concurrent_runs(&self) -> Option<ConcurrentRuns> {
        let is_asked = self.bulk.known != Some(OnKnown::Send);
        is_asked.then(|| ConcurrentRuns::new(&self.folder, &self.journal, self.elsewhere.lengths()))
    }

    const fn selection(&self) -> Selection {
        Selection {
            retry_rejected: self.bulk.retry_rejected,
            resend_unknown: self.bulk.resend_unknown,
            limit: self.bulk.limit,
            known: self.bulk.known,
        }
    }

    /// Finds the people who would be mailed and are known from other lists.
    pub(super) fn search_other_journals(&self, known: &Recovered) -> Result<KnownElsewhere, JournalError> {
        let rows = &self.list.rows;
        // At most the people in the journal are not mailed.
        let count = rows.len().saturating_sub(known.states.len());
        KnownElsewhere::search(&self.folder, self.own_journal(known), &self.service, count, || {
            Plan::candidates(rows, known, |row| self.key_of(row), self.selection())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::plan::{OutcomeCounts, Prior, Task};

    fn plan(tasks: &[(u32, Prior)], accepted: u64) -> Plan {
        let task = |&(index, prior): &(u32, Prior)| Task { index, prior };
        let left_alone = OutcomeCounts { accepted, ..OutcomeCounts::default() };
        Plan { tasks: tasks.iter().map(task).collect(), left_alone, ..Plan::default() }
    }

    #[test]
    fn a_row_with_another_state_than_in_the_shown_plan_is_not_sent() {
        use Prior::{Due, NotSent, Unknown};
        let shown = plan(&[(0, NotSent), (1, NotSent), (4, Due)], 1);
        for (tasks, accepted, covered) in [
            (&[(0, NotSent), (1, NotSent), (4, Due)][..], 1, true),
            // Another run has sent.
            (&[(1, NotSent)], 3, true),
            (&[], 4, true),
            // Another run has sent, so the limit now selects other rows, although not more.
            (&[(1, NotSent), (4, Due), (5, NotSent)], 2, false),
            // Another run has left a row unknown.
            (&[(0, Unknown), (1, NotSent)], 2, false),
            // Another run has begun a new journal.
            (&[(0, NotSent)], 0, false),
        ] {
            assert_eq!(is_covered(&plan(tasks, accepted), &shown), covered, "{tasks:?}");
        }
    }
}
