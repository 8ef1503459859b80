//! Everything before the first request: settings, the list, the credential, and what the journal knows.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use url::Url;

use super::error::BulkError;
use crate::api::recipient::check_text;
use crate::api::request::{ApiRequest, Recipient, RequestError};
use crate::api::transport::{Reuse, Transport, TransportError};
use crate::args::environment::Environment;
use crate::args::environment::SANDBOX_VARIABLE;
use crate::args::settings_table::Setting;
use crate::bulk::journal::{Recovered, default_path, journal_folder, service_of};
use crate::bulk::known::Known;
use crate::bulk::list_name::ListName;
use crate::bulk::plan::Plan;
use crate::bulk::rows::{self, Format, List};
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::commands::send::secrets;
use crate::report::bulk_text::PlanFacts;
use crate::report::text::{counted, grouped};
use crate::settings::bulk::BulkSettings;
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::error::{ConfigState, SettingsError};
use crate::settings::sources::Sources;
use crate::settings::{Output, Settings};

/// The service of all rehearsals.
pub(super) const SANDBOX: &str = "sandbox";

/// What is to be done, with everything that it needs.
pub(super) struct Prepared {
    pub(super) settings: Settings,
    pub(super) bulk: BulkSettings,
    pub(super) cname: String,
    /// The request, but for whom it is addressed to.
    pub(super) request: ApiRequest,
    pub(super) identity: Option<ClientCertificate>,
    /// What must not be told.
    pub(super) secrets: Vec<Secret>,
    pub(super) list: List,
    /// The list as it was typed, and what that stands for.
    pub(super) name: String,
    pub(super) list_name: ListName,
    /// The service, by which people are known in the journals.
    pub(super) service: String,
    pub(super) journal: PathBuf,
    /// Where the journals of other lists are.
    pub(super) folder: PathBuf,
    /// Who is known from other lists, once the journals were asked.
    pub(super) elsewhere: Known,
    pub(super) dry_run: bool,
    pub(super) no_input: bool,
}

/// Gets everything ready, and tells the reporter what is known on the way.
pub(super) fn prepare(input: &Path, context: &mut Context) -> Result<Prepared, CommandError> {
    let environment = context.environment;
    let sources = Sources::gather(context.flags, environment)?;
    context.set_output(Output::resolve(&sources));
    let info = &mut context.reporter.request;
    let settings = Settings::resolve(&sources, environment)?;
    let bulk = BulkSettings::resolve(&sources)?;
    (info.cname, info.tenant) = (settings.cname.clone(), settings.tenant.clone());
    let cname = settings
        .cname
        .clone()
        .ok_or_else(|| SettingsError::Missing { key: Setting::Cname, config: settings.config.clone() })?;
    check_text(&cname).map_err(|error| RequestError::Cname { cname: cname.clone(), error })?;
    let nobody = Recipient { email: String::new(), cname: cname.clone() };
    let unsigned = ApiRequest::new(&settings.target, &nobody, None)?;
    info.url = Some(unsigned.url.to_string());
    let from_stdin = matches!(settings.credential.token, Some((TokenSource::Stdin, _)));
    // Before any secret is in memory: from then on a process may not look at its own descriptors any more.
    let list_name = ListName::of(input);
    if from_stdin && list_name.is_stdin() {
        return Err(BulkError::TwoInputs.into());
    }
    let list = read(input, &bulk, &cname, settings.allow_any_email)?;
    let credential = settings.credential.load(environment)?;
    info.with_credential = credential.token.is_some() || credential.certificate.is_some();
    let secrets = secrets(&settings, &credential);
    let name = input.to_string_lossy().into_owned();
    let place = Place::of(&unsigned.url, environment)?;
    let journal = match &bulk.journal {
        Some(path) => path.clone(),
        None => default_path(&place.folder, &place.url, &cname, &list_name),
    };
    Ok(Prepared {
        request: ApiRequest { token: credential.token, ..unsigned },
        secrets,
        identity: credential.certificate,
        settings,
        bulk,
        cname,
        list,
        name,
        list_name,
        service: place.service,
        journal,
        folder: place.folder,
        elsewhere: Known::default(),
        dry_run: sources.is_on(Setting::DryRun),
        no_input: sources.is_on(Setting::NoInput),
    })
}

/// Which journals a run has to do with.
struct Place {
    service: String,
    /// What the name of a journal is made from in place of the URL.
    url: String,
    folder: PathBuf,
}

impl Place {
    /// All sandboxes are one service, with journals that lie apart: what was rehearsed in one goes on in the next.
    fn of(url: &Url, environment: &Environment) -> Result<Self, CommandError> {
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

fn read(input: &Path, bulk: &BulkSettings, cname: &str, allow_any_email: bool) -> Result<List, BulkError> {
    let (source, by_name): (Box<dyn Read>, Format) = if input.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), Format::Auto)
    } else {
        let file = File::open(input).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BulkError::Missing(input.to_owned()),
            _ => BulkError::Unreadable { path: input.to_owned(), source },
        })?;
        (Box::new(file), Format::of_name(input))
    };
    let format = match bulk.format.as_str() {
        "csv" => Format::Csv,
        "ndjson" => Format::Ndjson,
        "lines" => Format::Lines,
        _ => by_name,
    };
    let name = || input.to_string_lossy().into_owned();
    let list =
        rows::read(source, format, cname, allow_any_email).map_err(|error| BulkError::Rows { name: name(), error })?;
    // With nobody left there is nothing to leave rows out of.
    if !list.bad.is_empty() && (!bulk.skip_invalid || list.rows.is_empty()) {
        return Err(BulkError::BadRows { name: name(), bad: list.bad, usable: !list.rows.is_empty() });
    }
    Ok(list)
}

impl Prepared {
    pub(super) fn is_stdin(&self) -> bool {
        self.list_name.is_stdin()
    }

    /// What a plan tells.
    pub(super) fn facts<'a>(&'a self, plan: &'a Plan, known: &Recovered) -> PlanFacts<'a> {
        PlanFacts {
            tenant: self.settings.tenant.as_deref(),
            profile: match &self.settings.config {
                ConfigState::Profile(_, profile) => Some(profile),
                ConfigState::None | ConfigState::Absent(_) | ConfigState::Unchosen(..) => None,
            },
            url: self.request.url.as_str(),
            cname: &self.cname,
            name: &self.name,
            journal: self.journal.to_str().unwrap_or("(a path that is no text)"),
            list: &self.list,
            plan,
            rate: self.bulk.rate,
            jobs: self.bulk.jobs,
            accepted_at: known.accepted.map(|(first, last)| (first.to_string(), last.to_string())),
            elsewhere: &self.elsewhere,
            on_known: self.bulk.known,
            sets_aside: self.bulk.fresh && self.journal.exists(),
        }
    }

    /// What is odd about the list or the settings, but no error.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.settings.warnings.clone();
        warnings.extend(self.left_out());
        warnings.extend(self.unread());
        warnings
    }

    /// The journals of other lists that could not be read.
    pub(super) fn unread(&self) -> impl Iterator<Item = String> + '_ {
        self.elsewhere.unread.iter().map(|(path, why)| {
            format!(
                "the journal {} could not be read in full ({why}): people whom it knows may be mailed again; see `vescli journal check`",
                path.display()
            )
        })
    }

    /// The rows that are left out because they cannot be used, if there are any. It is about people who are not mailed,
    /// so it is told however little is told.
    pub(super) fn left_out(&self) -> Option<String> {
        let bad = &self.list.bad;
        let first = bad.first()?;
        let (count, rest) = match bad.len() as u64 {
            1 => ("1 row that cannot be used is".to_owned(), String::new()),
            count => (
                format!("{} that cannot be used are", counted(count, "row")),
                format!(" (and {} more)", grouped(count - 1)),
            ),
        };
        let (line, reason) = (first.line, &first.reason);
        Some(format!("{count} left out: line {line}: {reason}{rest}"))
    }

    /// Checks what a run needs on its way to the server, as far as it can be without sending.
    pub(super) fn check_the_way(&self) -> Result<(), CommandError> {
        Transport::new(&self.settings.network, self.identity.as_ref(), &self.request)?;
        Ok(())
    }

    /// A client for each worker. The first one is made at once: what is wrong with the settings shows itself there.
    pub(super) fn transports(
        &self,
    ) -> Result<impl Iterator<Item = Result<Transport, TransportError>> + '_, CommandError> {
        let reuse = if self.bulk.keep_alive { Reuse::Brief } else { Reuse::Never };
        let (network, identity) = (&self.settings.network, self.identity.as_ref());
        let mut clients = Transport::several(network, identity, &self.request, reuse)?;
        let first = clients.next().transpose()?;
        Ok(first.map(Ok).into_iter().chain(clients))
    }
}
