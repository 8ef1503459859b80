//! A command that makes one request of an operation, with its retries, such as `vescli send-password-email`.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Context;
use super::error::CommandError;
use super::interrupt::{Interrupted, Interrupts};
use super::send_journal::SendJournal;
use crate::api::operation::{ApiRequest, Field, Operation, RequestError};
use crate::api::outcome::{AttemptResult, Outcome};
use crate::api::retry::{UserWait, after_another, wait_before_retry};
use crate::api::transport::Transport;
use crate::args::environment::Environment;
use crate::args::layer::ValueError;
use crate::args::settings_table::Setting;
use crate::report::escape::success;
use crate::report::exit::{Ending, Exit};
use crate::report::json::{self, document};
use crate::report::{Interruption, Reporter, RequestInfo, SendResult, curl, text};
use crate::settings::credential::Credential;
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::credential::secret::Secret;
use crate::settings::credential::token::TokenSource;
use crate::settings::error::SettingsError;
use crate::settings::network::ProxySetting;
use crate::settings::sources::Sources;
use crate::settings::{Output, RetryPolicy, Settings, USER_GAP};

pub fn run(operation: &'static Operation, context: &mut Context) -> Result<Ending, CommandError> {
    context.reporter.request = RequestInfo::new(operation);
    let (sources, mut settings) = settings(operation, context)?;
    let unsigned = request(operation, &settings, &sources)?;
    context.reporter.request.url = Some(unsigned.url.to_string());
    if sources.is_on(Setting::ShowCurl) {
        return print_curl(&unsigned, &settings, context);
    }
    let interrupts =
        Interrupts::watch().map_err(|source| CommandError::Os { what: "cannot watch for signals", source })?;
    let start = Instant::now();
    let credential = match signal_or(load(&settings, context.environment, &interrupts))? {
        ControlFlow::Continue(credential) => credential?,
        ControlFlow::Break(signal) => {
            let ended = Interruption { signal, may_have_been_sent: false, attempts: 0, elapsed: start.elapsed() };
            return Ok(context.reporter.interrupted(&ended));
        }
    };
    let reporter = &mut context.reporter;
    reporter.request.with_credential = credential.token.is_some() || credential.certificate.is_some();
    reporter.redact(secrets(&settings, &credential));
    let identity = credential.certificate;
    let request = ApiRequest { token: credential.token, ..unsigned };
    if !reporter.output().json {
        settings.warnings.iter().for_each(|warning| reporter.warn(warning));
    }
    if sources.is_on(Setting::DryRun) {
        Transport::new(&settings.network, identity.as_ref(), &request.url)?;
        return print_request(&request, &settings, context);
    }
    let mut journal = journal(&request, &settings, &sources, context.environment);
    Ok(match send(&settings, identity.as_ref(), &Arc::new(request), &interrupts, &mut journal, reporter)? {
        ControlFlow::Continue(sent) => {
            settings.warnings.append(&mut journal.warnings);
            let exit = reporter.result(&sent, &settings.warnings);
            // A signal that came too late to end the request still ends the loop around this program.
            interrupts.signal().map_or(Ending::Exit(exit), Ending::Signal)
        }
        ControlFlow::Break(ended) => reporter.interrupted(&ended),
    })
}

/// Resolves the settings, and fills in the reporter's request as soon as something is known.
fn settings(operation: &Operation, context: &mut Context) -> Result<(Sources, Settings), CommandError> {
    if let Some((_, field)) = operation.shown_fields().next() {
        context.reporter.request.set(field.setting, context.flags.text(field.setting));
    }
    let sources = Sources::gather(context.flags, context.environment)?;
    context.set_output(Output::resolve(&sources));
    let request = &mut context.reporter.request;
    for field in operation.fields {
        request.set(field.setting, text_of(&sources, field.setting));
    }
    request.tenant = text_of(&sources, Setting::Tenant);
    let settings = Settings::resolve(&sources, context.environment)?;
    for field in operation.fields {
        request.set(field.setting, value(&sources, field));
    }
    Ok((sources, settings))
}

fn text_of(sources: &Sources, setting: Setting) -> Option<String> {
    sources.text(setting).map(|(text, _)| text.to_owned())
}

fn value(sources: &Sources, field: &Field) -> Option<String> {
    text_of(sources, field.setting).or_else(|| text_of(sources, field.fallback?))
}

fn request(operation: &'static Operation, settings: &Settings, sources: &Sources) -> Result<ApiRequest, CommandError> {
    let mut values = vec![String::new(); operation.fields.len()];
    for (index, field) in operation.shown_fields() {
        let missing = || SettingsError::Missing { key: field.setting, config: settings.config.clone() };
        values[index] = value(sources, field).ok_or_else(missing)?;
    }
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    ApiRequest::new(operation, &settings.target, &values, settings.allow_any_email).map_err(|error| {
        // A field with the value of its fallback has no text here; that value has been checked already.
        let origin = match &error {
            RequestError::Field { field, .. } => sources.text(field.setting).map(|(_, origin)| origin),
            RequestError::Url(_) => None,
        };
        match origin {
            Some(origin) => ValueError { origin: origin.clone(), reason: error.to_string() }.into(),
            None => error.into(),
        }
    })
}

/// The journal that is to know the person.
fn journal(request: &ApiRequest, settings: &Settings, sources: &Sources, environment: &Environment) -> SendJournal {
    let value_of = |setting| value(sources, request.operation.fields.iter().find(|field| field.setting == setting)?);
    match (value_of(Setting::Email), value_of(Setting::Cname)) {
        (Some(email), Some(cname)) if !sources.is_on(Setting::NoJournal) => {
            SendJournal::new(request, settings.tenant.as_deref(), (email, cname), environment)
        }
        _ => SendJournal::default(),
    }
}

fn print_curl(request: &ApiRequest, settings: &Settings, context: &mut Context) -> Result<Ending, CommandError> {
    let command = curl::command(request, &settings.credential, &settings.network);
    let text = if context.output().json { success("vescli.curl/1", document! { command: command }) } else { command };
    if curl::lacks_password(request, &settings.network) {
        context.reporter.warn(curl::HIDDEN_PROXY);
    }
    context.print(&text)
}

fn print_request(request: &ApiRequest, settings: &Settings, context: &mut Context) -> Result<Ending, CommandError> {
    let network = &settings.network;
    let text = if context.output().json {
        json::request(request, network, &settings.warnings)
    } else {
        text::dry_run(request, network, context.reporter.redactor())
    };
    context.print(&text)
}

/// Reads the credential. What may wait for someone, a command or a pipe, is read so that a signal can end it.
fn load(
    settings: &Settings,
    environment: &Environment,
    interrupts: &Interrupts,
) -> Result<Result<Credential, SettingsError>, Interrupted> {
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

/// The result of work that a signal can end, or the signal.
fn signal_or<T>(result: Result<T, Interrupted>) -> Result<ControlFlow<i32, T>, CommandError> {
    match result {
        Ok(result) => Ok(ControlFlow::Continue(result)),
        Err(Interrupted::Signal(signal)) => Ok(ControlFlow::Break(signal)),
        Err(Interrupted::Failed(source)) => {
            Err(CommandError::Os { what: "nothing was sent: cannot start a thread", source })
        }
    }
}

/// Everything that must not be shown, also when a server repeats it.
pub(super) fn secrets(settings: &Settings, credential: &Credential) -> Vec<Secret> {
    let proxy = settings.network.proxy.as_ref().map_or_else(Vec::new, ProxySetting::secrets);
    let password = settings.credential.password().cloned();
    credential.token.clone().into_iter().chain(password).chain(proxy).collect()
}

/// The attempts so far.
struct Attempts {
    start: Instant,
    count: u64,
    user: UserWait,
    /// Their result together.
    result: Option<AttemptResult>,
}

impl Attempts {
    /// How long to wait before the next attempt, if there is to be one.
    fn wait(&mut self, policy: &RetryPolicy, latest: &mut AttemptResult) -> Option<Duration> {
        let jitter = fastrand::f64();
        if let Some(wait) = self.user.after(policy.wait_for_user, latest, Instant::now(), jitter) {
            return Some(wait);
        }
        let wait = wait_before_retry(policy, latest, self.count - self.user.refusals, jitter)?;
        Some(if self.user.is_begun() { wait.max(USER_GAP) } else { wait })
    }

    fn end(&self, result: AttemptResult) -> SendResult {
        SendResult { result, attempts: self.count, elapsed: self.start.elapsed() }
    }

    /// `was_sent`: whether the attempt under way may have sent its request.
    fn interrupted(&self, signal: i32, was_sent: bool) -> Interruption {
        let is_unknown = |result: &AttemptResult| result.outcome == Outcome::Unknown;
        Interruption {
            signal,
            may_have_been_sent: was_sent || self.result.as_ref().is_some_and(is_unknown),
            attempts: self.count,
            elapsed: self.start.elapsed(),
        }
    }
}

/// Sends, and records the outcome. What cannot be sent at all leaves no record.
fn send(
    settings: &Settings,
    identity: Option<&ClientCertificate>,
    request: &Arc<ApiRequest>,
    interrupts: &Interrupts,
    journal: &mut SendJournal,
    reporter: &mut Reporter,
) -> Result<ControlFlow<Interruption, SendResult>, CommandError> {
    let transport = Arc::new(Transport::new(&settings.network, identity, &request.url)?);
    if reporter.output().verbose > 0 {
        trace_route(&transport, settings, identity, request, reporter);
    }
    let ended = attempt_all(&transport, settings, request, interrupts, journal, reporter);
    let (outcome, status) = match &ended {
        Ok(ControlFlow::Continue(sent)) => (sent.result.outcome, sent.result.status),
        Ok(ControlFlow::Break(interruption)) => (interruption.outcome(), None),
        Err(_) => (Outcome::NotSent, None),
    };
    journal.conclude(outcome, status, reporter);
    reporter.request.resolve_command = journal.resolve_command();
    ended
}

/// Sends, and retries what may be retried, until a signal comes.
fn attempt_all(
    transport: &Arc<Transport>,
    settings: &Settings,
    request: &Arc<ApiRequest>,
    interrupts: &Interrupts,
    journal: &mut SendJournal,
    reporter: &mut Reporter,
) -> Result<ControlFlow<Interruption, SendResult>, CommandError> {
    let verbose = reporter.output().verbose;
    let mut attempts = Attempts { start: Instant::now(), count: 0, user: UserWait::default(), result: None };
    loop {
        if verbose > 0 {
            let lines = text::request_lines(request, verbose > 1, reporter.redactor());
            reporter.trace(&lines);
        }
        journal.intend(attempts.count + 1, interrupts, reporter);
        let connections = transport.connections();
        let (client, shared) = (Arc::clone(transport), Arc::clone(request));
        let attempt = match (interrupts.run(move || client.attempt(&shared)), &attempts.result) {
            // No thread can be started for another attempt, so the earlier ones were the last.
            (Err(Interrupted::Failed(_)), Some(before)) => {
                return Ok(ControlFlow::Continue(attempts.end(before.clone())));
            }
            (attempt, _) => signal_or(attempt)?,
        };
        attempts.count += 1;
        let (mut latest, exchange) = match attempt {
            ControlFlow::Continue(attempt) => attempt,
            ControlFlow::Break(signal) => {
                let was_sent = transport.close(connections);
                return Ok(ControlFlow::Break(attempts.interrupted(signal, was_sent)));
            }
        };
        if let (Some(exchange), 1..) = (&exchange, verbose) {
            let lines = text::answer_lines(exchange, verbose > 1, reporter.redactor());
            reporter.trace(&lines);
        }
        let Some(wait) = attempts.wait(&settings.retry, &mut latest) else {
            let result = after_another(attempts.result.take(), latest);
            return Ok(ControlFlow::Continue(attempts.end(result)));
        };
        reporter.note(&retry_note(request.operation, attempts.count, &latest, wait));
        let so_far = after_another(attempts.result.take(), latest);
        let result = attempts.result.insert(so_far);
        journal.conclude(result.outcome, result.status, reporter);
        if let ControlFlow::Break(signal) = interrupts.sleep(wait) {
            return Ok(ControlFlow::Break(attempts.interrupted(signal, false)));
        }
    }
}

/// Shows for `-v` which certificates are trusted and used, and which proxy.
fn trace_route(
    transport: &Transport,
    settings: &Settings,
    identity: Option<&ClientCertificate>,
    request: &ApiRequest,
    reporter: &mut Reporter,
) {
    let trust = transport.trust.as_ref().map(|trust| format!("* trust: {trust}"));
    let identity = identity.map(|identity| {
        let subject = identity.subject.as_deref().unwrap_or("unreadable");
        format!("* client certificate: {subject}")
    });
    let proxy = settings.network.proxy_for(&request.url);
    let proxy = proxy.map(|proxy| format!("* proxy: {} ({})", proxy.shown, proxy.origin));
    let lines = [trust, identity, proxy].into_iter().flatten();
    let lines: Vec<String> = lines.map(|line| reporter.escape(&line)).collect();
    reporter.trace(&lines);
}

fn retry_note(operation: &Operation, attempts: u64, result: &AttemptResult, wait: Duration) -> String {
    let title = Exit::from(result.class).row().title;
    let outcome = text::outcome(operation, result);
    let seconds = wait.as_secs_f64();
    format!("attempt {attempts}: {title}, {outcome}; retry in {seconds:.1} s")
}
