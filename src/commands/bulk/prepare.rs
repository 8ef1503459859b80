//! Everything before the first request: settings, the list, the credential, what the journals know, and the plan that follows
//! from it.

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
use crate::bulk::plan::{Choice, Plan, key_of};
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
    /// What must never be shown.
    pub(super) secrets: Vec<Secret>,
    pub(super) list: List,
    /// The list as it was typed, and what that means.
    pub(super) name: String,
    pub(super) list_name: ListName,
    /// The service, by which people are known in the journals.
    pub(super) service: String,
    pub(super) journal: PathBuf,
    /// Where the journals of other lists are.
    pub(super) folder: PathBuf,
    /// How many people are on the list; without --shard, all of its rows.
    pub(super) people: usize,
    /// What the journals of this list know that belong to other shards, once they were read.
    pub(super) siblings: Siblings,
    /// Who is known from other lists, once the journals were searched.
    pub(super) elsewhere: KnownElsewhere,
    /// The files of `--junit` and `--metrics`.
    pub(super) reports: Reports,
    pub(super) dry_run: bool,
    pub(super) no_input: bool,
    pub(super) author: Author,
    pub(super) same: SameCommand,
}

/// Prepares everything, and passes what is known to the reporter as soon as possible.
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
    // Before any secret is in memory: from then on a process may not read its own descriptors any more.
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
    // Also with --skip-invalid, if no valid row is left.
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
        self.settings.warnings.iter().cloned().chain(self.left_out()).chain(self.unread()).collect()
    }

    /// The journals of other lists that could not be read.
    pub(super) fn unread(&self) -> impl Iterator<Item = String> + '_ {
        self.elsewhere.unread.iter().map(|(path, why)| {
            format!(
                "the journal {} could not be read completely ({why}): people in it may be mailed again; see `vescli journal check`",
                path.display()
            )
        })
    }

    /// The rows that are left out because they cannot be used, if there are any. It is about people who are not mailed,
    /// so it is shown even with `-q`.
    pub(super) fn left_out(&self) -> Option<String> {
        let bad = &self.list.bad;
        let BadRow { line, reason } = bad.first()?;
        let (are, more) = match bad.len() as u64 {
            1 => ("is", String::new()),
            count => ("are", format!(" (and {} more)", grouped(count - 1))),
        };
        let rows = counted(bad.len() as u64, "row");
        Some(format!("{rows} that cannot be used {are} left out: line {line}: {reason}{more}"))
    }

    /// A client for each worker. The first one is made at once, because it finds what is wrong with the settings.
    pub(super) fn transports(
        &self,
    ) -> Result<impl Iterator<Item = Result<Transport, TransportError>> + '_, CommandError> {
        let (network, identity) = (&self.settings.network, self.identity.as_ref());
        let mut clients = Transport::several(network, identity, &self.request, self.bulk.keep_alive)?;
        let first = clients.next().transpose()?;
        Ok(first.map(Ok).into_iter().chain(clients))
    }
}

/// Whether a plan sends only to people who were shown in another one, each with the same state.
fn is_covered(plan: &Plan, shown: &Plan) -> bool {
    // Both are in the order of the list.
    let mut tasks = shown.tasks.iter();
    plan.left_alone.accepted >= shown.left_alone.accepted
        && plan.tasks.iter().all(|task| tasks.any(|other| other == task))
}

impl Prepared {
    /// What the journal knows, without locking or making it. Nothing, when a new one is to be begun.
    pub(super) fn inspect_journal(&self) -> Result<Snapshot, JournalError> {
        if !self.dry_run {
            self.check_alone()?;
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

    /// Reads the other journals of this list, and adds what they know to what its own one does.
    pub(super) fn read_siblings(&mut self, known: &mut Recovered) -> Result<(), JournalError> {
        let siblings = Siblings::read(self.own_run())?;
        if let (true, Some(path)) = (self.bulk.fresh, siblings.paths().next()) {
            return Err(JournalError::FreshShard { path: path.to_owned() });
        }
        siblings.add_to(known);
        self.siblings = siblings;
        Ok(())
    }

    /// Asks once more, with the run's own journal locked, and adds what they know to what that does. A journal that was
    /// made for a run that may not begin is removed: it would look like one whose people are missing here.
    pub(super) fn recheck_siblings(&self, known: &mut Recovered) -> Result<(), JournalError> {
        self.siblings.check_unchanged(self.own_run()).inspect_err(|_| {
            if known.runs.is_empty() && known.set_aside.is_none() {
                let _ = fs::remove_file(&self.journal);
            }
        })?;
        // Read again with the run's own journal, to which another run may have added something until it was locked.
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

    /// What the journal shows of the run.
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

    /// Makes the journal of a shard that has no one to send to, so that it shows that this shard was run.
    pub(super) fn leave_journal(&self) -> Result<(), JournalError> {
        if self.bulk.shard.is_some() && !self.journal.exists() {
            Journal::open(&self.journal, OpenMode::Resume, &self.header())?;
        }
        Ok(())
    }

    /// Whether the journal may be set aside: a rehearsal must not replace the record of what was sent.
    fn check_replaceable(&self) -> Result<(), JournalError> {
        let of_others = |run: &RunRecord| self.service == SANDBOX && run.service != SANDBOX;
        let refused = |run: RunRecord| JournalError::NoRehearsal { path: self.journal.clone(), url: run.url };
        first_run(&self.journal).filter(of_others).map_or(Ok(()), |run| Err(refused(run)))
    }

    /// Whether no other run uses this journal: its rows under way would look unknown. The lock itself is
    /// taken when the journal is opened.
    fn check_alone(&self) -> Result<(), JournalError> {
        // First of all: `chmod 600`, the advice for a list that other users can read, does not help here.
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

    /// Which rows are sent, by what the journal knows once it is locked. A row is not sent if
    /// the plan that was shown had another state for it: another run may have begun a new journal meanwhile. With
    /// `sends_known`, people are sent whatever other lists know of them, without a question.
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

    /// Whether other lists know people whom they did not know when the plan was made: the question may have waited for a
    /// long time, and other lists may have been sent meanwhile.
    fn knows_more_elsewhere(&self, known: &Recovered) -> Result<bool, JournalError> {
        if self.elsewhere.is_current(&self.folder, self.own(known))? {
            return Ok(false);
        }
        let now = self.search_other_journals(known)?;
        Ok(now.rows.iter().any(|(index, _)| self.elsewhere.of(*index).is_none()))
    }

    pub(super) fn plan(&self, known: &Recovered) -> Plan {
        Plan::new(&self.list.rows, known, &self.elsewhere, |row| self.key_of(row), self.choice())
    }

    fn key_of(&self, row: &Row) -> RowKey {
        key_of(&self.service, &self.cname, row)
    }

    /// The journal of this run, which knows this much.
    fn own(&self, known: &Recovered) -> OwnJournal<'_> {
        OwnJournal { journal: &self.journal, succeeds: self.bulk.fresh || !known.states.is_empty() }
    }

    /// The journals of runs of other lists that may be running.
    pub(super) fn concurrent_runs(&self) -> Option<ConcurrentRuns> {
        let is_asked = self.bulk.known != Some(OnKnown::Send);
        is_asked.then(|| ConcurrentRuns::new(&self.folder, &self.journal, self.elsewhere.lengths()))
    }

    const fn choice(&self) -> Choice {
        Choice {
            retry_rejected: self.bulk.retry_rejected,
            resend_unknown: self.bulk.resend_unknown,
            limit: self.bulk.limit,
            known: self.bulk.known,
        }
    }

    /// Who of those that would be mailed is known from other lists.
    pub(super) fn search_other_journals(&self, known: &Recovered) -> Result<KnownElsewhere, JournalError> {
        let rows = &self.list.rows;
        // A journal can only reduce the number of people.
        let count = rows.len().saturating_sub(known.states.len());
        KnownElsewhere::search(&self.folder, self.own(known), &self.service, count, || {
            Plan::candidates(rows, known, |row| self.key_of(row), self.choice())
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
    fn no_one_is_sent_for_whom_the_shown_plan_had_another_state() {
        use Prior::{Due, NotSent, Unknown};
        let shown = plan(&[(0, NotSent), (1, NotSent), (4, Due)], 1);
        for (tasks, accepted, covered) in [
            (&[(0, NotSent), (1, NotSent), (4, Due)][..], 1, true),
            // Another run was at work.
            (&[(1, NotSent)], 3, true),
            (&[], 4, true),
            // It was, and the limit now lets others out, though no more of them.
            (&[(1, NotSent), (4, Due), (5, NotSent)], 2, false),
            // It left someone unknown.
            (&[(0, Unknown), (1, NotSent)], 2, false),
            // It began a new journal.
            (&[(0, NotSent)], 0, false),
        ] {
            assert_eq!(is_covered(&plan(tasks, accepted), &shown), covered, "{tasks:?}");
        }
    }
}
