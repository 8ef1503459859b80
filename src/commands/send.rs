//! `vescli send-password-email`: one person, one request, and what came of it.

mod attempts;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::error::CommandError;
use super::interrupt::{Interrupted, Interrupts};
use crate::api::request::{ApiRequest, Recipient, RequestError};
use crate::api::transport::Transport;
use crate::args::environment::Environment;
use crate::args::layer::{Layer, ValueError};
use crate::args::settings_table::Setting;
use crate::report::curl;
use crate::report::exit::{Ending, Exit};
use crate::report::interrupted::Interruption;
use crate::report::plan::{self, RequestDocument};
use crate::report::safe_text::{SafeText, json_line};
use crate::report::streams::Streams;
use crate::report::{Reporter, Subject};
use crate::settings::credential::Credential;
use crate::settings::credential::error::CredentialError;
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::error::SettingsError;
use crate::settings::proxy::ProxySetting;
use crate::settings::sources::Sources;
use crate::settings::{Output, Settings};

/// Runs the command: flags and environment go in, what came of it is told, and its end comes out.
pub fn run(flags: &Layer, environment: &Environment, streams: &mut Streams) -> Ending {
    let mut subject = Subject::default();
    let mut output = Output::early(flags, environment);
    match prepare(flags, environment, &mut subject, &mut output) {
        Ok(prepared) => {
            let mut reporter = Reporter::new(streams, output, environment);
            carry_out(prepared, &mut subject, environment, &mut reporter)
                .unwrap_or_else(|fault| reporter.trouble(&subject, &fault.trouble()).into())
        }
        Err(fault) => Reporter::new(streams, output, environment).trouble(&subject, &fault.trouble()).into(),
    }
}

/// What is to be done, with everything that it needs.
struct Prepared {
    settings: Settings,
    recipient: Recipient,
    dry_run: bool,
    show_curl: bool,
}

fn prepare(
    flags: &Layer,
    environment: &Environment,
    subject: &mut Subject,
    output: &mut Output,
) -> Result<Prepared, CommandError> {
    subject.email = flags.get(Setting::Email).map(|given| given.value.to_string());
    let sources = Sources::gather(flags, environment)?;
    *output = Output::resolve(&sources);
    let given = |key| sources.text(key).map(|(text, _)| text.to_owned());
    (subject.email, subject.cname, subject.tenant) =
        (given(Setting::Email), given(Setting::Cname), given(Setting::Tenant));
    let settings = Settings::resolve(&sources, environment)?;
    subject.cname.clone_from(&settings.cname);
    let missing = |key| SettingsError::Missing { key, config: settings.config.clone() };
    let email = settings.email.as_deref().ok_or_else(|| missing(Setting::Email))?;
    let cname = settings.cname.as_deref().ok_or_else(|| missing(Setting::Cname))?;
    let recipient =
        Recipient::new(email, cname, settings.allow_any_email).map_err(|error| with_origin(error, &sources))?;
    Ok(Prepared {
        recipient,
        settings,
        dry_run: sources.is_on(Setting::DryRun),
        show_curl: sources.is_on(Setting::ShowCurl),
    })
}

/// An address or cname that cannot be sent, told with the flag, variable or line that gave it.
fn with_origin(error: RequestError, sources: &Sources) -> CommandError {
    let key = match &error {
        RequestError::Email { .. } => Setting::Email,
        // A cname that is not given is the tenant, which has been checked already.
        RequestError::Cname { .. } => Setting::Cname,
        RequestError::Url(_) => return error.into(),
    };
    match sources.text(key) {
        Some((_, origin)) => ValueError { key, origin: origin.clone(), reason: error.to_string() }.into(),
        None => error.into(),
    }
}

fn carry_out(
    prepared: Prepared,
    subject: &mut Subject,
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Ending, CommandError> {
    let Prepared { settings, recipient, dry_run, show_curl } = prepared;
    let unsigned = ApiRequest::new(&settings.target, &recipient, None)?;
    subject.url = Some(unsigned.url.to_string());
    if show_curl {
        return print_curl(&unsigned, &settings, reporter);
    }
    let interrupts = Interrupts::watch().map_err(unwatched)?;
    let start = Instant::now();
    let credential = match work(load(&settings, environment, &interrupts))? {
        ControlFlow::Continue(credential) => credential?,
        ControlFlow::Break(signal) => {
            let ended = Interruption { signal, may_have_left: false, attempts: 0, elapsed: start.elapsed() };
            return Ok(reporter.interrupted(subject, &ended));
        }
    };
    subject.with_credential = credential.token.is_some() || credential.certificate.is_some();
    reporter.hide(SafeText::hiding(secrets(&settings, &credential)));
    let identity = credential.certificate;
    let request = ApiRequest { token: credential.token, ..unsigned };
    if !reporter.output().json {
        settings.warnings.iter().for_each(|warning| reporter.warn(warning));
    }
    if dry_run {
        Transport::new(&settings.network, identity.as_ref(), &request)?;
        return print_request(&request, settings, reporter);
    }
    let request = Arc::new(request);
    let sent = attempts::send(&settings, identity.as_ref(), &request, &interrupts, reporter)?;
    Ok(match sent {
        ControlFlow::Continue(sent) => {
            let exit = reporter.sent(subject, &sent, &settings.warnings);
            // One that came too late to end the request still ends the loop around this program.
            interrupts.signal().map_or(Ending::Exit(exit), Ending::Signal)
        }
        ControlFlow::Break(ended) => reporter.interrupted(subject, &ended),
    })
}

fn unwatched(source: std::io::Error) -> CommandError {
    let what = "signals cannot be watched";
    CommandError::Os { what, source }
}

fn print_curl(request: &ApiRequest, settings: &Settings, reporter: &mut Reporter) -> Result<Ending, CommandError> {
    let command = curl::command(request, &settings.credential, &settings.network);
    let text = if reporter.output().json { json_line(&CurlDocument::new(command)) } else { command };
    if curl::lacks_password(request, &settings.network) {
        reporter.warn(curl::HIDDEN_PROXY);
    }
    reporter.print(&text)?;
    Ok(Exit::Accepted.into())
}

fn print_request(request: &ApiRequest, settings: Settings, reporter: &mut Reporter) -> Result<Ending, CommandError> {
    let network = &settings.network;
    let text = if reporter.output().json {
        json_line(&RequestDocument::new(request, network, settings.warnings))
    } else {
        plan::text(request, network, reporter.safe())
    };
    reporter.print(&text)?;
    Ok(Exit::Accepted.into())
}

/// Reads the credential. What may wait for somebody, a command or a pipe, is read so that a signal can end it.
fn load(
    settings: &Settings,
    environment: &Environment,
    interrupts: &Interrupts,
) -> Result<Result<Credential, CredentialError>, Interrupted> {
    let plan = &settings.credential;
    let may_wait = match plan.token.as_ref().map(|(source, _)| source) {
        Some(TokenSource::Command { .. } | TokenSource::Stdin) => true,
        // A pipe, as the shell makes one of `<(pass show …)`.
        Some(TokenSource::File(path)) => std::fs::metadata(path).is_ok_and(|file| !file.is_file()),
        Some(TokenSource::Variable(..)) | None => false,
    };
    if may_wait {
        let (plan, environment) = (plan.clone(), environment.clone());
        interrupts.run(move || plan.load(&environment))
    } else {
        Ok(plan.load(environment))
    }
}

/// What came of work that a signal can end: its result, or the signal.
fn work<T>(result: Result<T, Interrupted>) -> Result<ControlFlow<i32, T>, CommandError> {
    match result {
        Ok(result) => Ok(ControlFlow::Continue(result)),
        Err(Interrupted::Signal(signal)) => Ok(ControlFlow::Break(signal)),
        Err(Interrupted::Failed(source)) => {
            Err(CommandError::Os { what: "nothing was sent, because no thread can be started", source })
        }
    }
}

/// The JSON document of `--show-curl`.
#[derive(Debug, serde::Serialize)]
struct CurlDocument {
    schema: &'static str,
    ok: bool,
    command: String,
    exit_code: u8,
}

impl CurlDocument {
    const fn new(command: String) -> Self {
        Self { schema: "vescli.curl/1", ok: true, command, exit_code: 0 }
    }
}

/// Everything that must not be shown, whoever says it.
pub(super) fn secrets(settings: &Settings, credential: &Credential) -> Vec<Secret> {
    let proxy = settings.network.proxy.as_ref();
    let password = settings.credential.password().cloned();
    let token = credential.token.clone();
    let proxy = proxy.map_or_else(Vec::new, ProxySetting::secrets);
    token.into_iter().chain(password).chain(proxy).collect()
}
