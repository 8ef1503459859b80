//! A command that makes one request of an operation, with its retries, such as `vescli send-password-email`.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Context;
use super::error::CommandError;
use super::interrupt::Interrupts;
use super::send_journal::SendJournal;
use crate::api::operation::{ApiRequest, Field, Operation, RequestError};
use crate::api::outcome::{AttemptResult, Outcome};
use crate::api::retry::{UserWait, combine, wait_before_retry};
use crate::api::transport::Transport;
use crate::args::environment::Environment;
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
use crate::settings::network::{Network, ProxySetting};
use crate::settings::sources::Sources;
use crate::settings::{Output, RetryPolicy, Settings, USER_GAP};

const NO_THREAD: &str = "nothing was sent: cannot start a thread";

pub fn run(operation: &'static Operation, context: &mut Context) -> Result<Ending, CommandError> {
    context.reporter.request = RequestInfo::new(operation);
    let (sources, mut settings) = settings(operation, context)?;
    let unsigned = request(operation, &settings, &sources)?;
    context.reporter.request.url = Some(unsigned.url.to_string());
    if sources.is_on(Setting::ShowCurl) {
        return print_curl(&unsigned, &settings, context);
    }
    let interrupts = Interrupts::watch().map_err(CommandError::os("cannot watch for signals"))?;
    let start = Instant::now();
    let credential = match load(&settings, context.environment, &interrupts).map_err(CommandError::os(NO_THREAD))? {
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
    let request = Arc::new(ApiRequest { token: credential.token, ..unsigned });
    if !reporter.output().json {
        settings.warnings.iter().for_each(|warning| reporter.warn(warning));
    }
    let transport = Arc::new(Transport::new(&settings.network, identity.as_ref(), &request.url)?);
    if sources.is_on(Setting::DryRun) {
        return print_request(&request, &settings, context);
    }
    if reporter.output().verbose > 0 {
        trace_route(&transport, &settings.network, identity.as_ref(), &request, reporter);
    }
    let mut journal = journal(&request, &settings, &sources, context.environment);
    let ended = attempt_all(&transport, &settings.retry, &request, &interrupts, &mut journal, reporter);
    let (outcome, status) = match &ended {
        Ok(ControlFlow::Continue(sent)) => (sent.result.outcome, sent.result.status),
        Ok(ControlFlow::Break(interruption)) => (interruption.outcome(), None),
        Err(_) => (Outcome::NotSent, None),
    };
    journal.conclude(outcome, status, reporter);
    reporter.request.resolve_command = journal.resolve_command();
    settings.warnings.append(&mut journal.warnings);
    Ok(match ended? {
        ControlFlow::Continue(sent) => {
            let exit = reporter.result(&sent, &settings.warnings);
            // After a signal that came too late to end the request, the process still dies by it: a shell then stops its loop.
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
        values[index] = value(sources, field).ok_or_else(|| sources.missing(field.setting))?;
    }
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    ApiRequest::new(operation, &settings.target, &values, settings.allow_any_email).map_err(|error| {
        // A field that takes the value of its fallback has no text here; that value has been checked already.
        let given = match &error {
            RequestError::Field { field, .. } => sources.pick(field.setting),
            RequestError::Url(_) => None,
        };
        given.map(|entry| entry.invalid(error.to_string()).into()).unwrap_or(error.into())
    })
}

/// The journal of this send, which is empty if the send is not recorded.
fn journal(request: &ApiRequest, settings: &Settings, sources: &Sources, environment: &Environment) -> SendJournal {
    let value_of = |setting| value(sources, request.operation.fields.iter().find(|field| field.setting == setting)?);
    let person = value_of(Setting::Email).zip(value_of(Setting::Cname)).filter(|_| !sources.is_on(Setting::NoJournal));
    let journal = |person| SendJournal::new(request, settings.tenant.as_deref(), person, environment);
    person.map(journal).unwrap_or_default()
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

/// Reads the credential. Commands and pipes may have to wait, so a signal can end that.
fn load(
    settings: &Settings,
    environment: &Environment,
    interrupts: &Interrupts,
) -> io::Result<ControlFlow<i32, Result<Credential, SettingsError>>> {
    let plan = &settings.credential;
    let may_wait = match plan.token.as_ref().map(|(source, _)| source) {
        Some(TokenSource::Command { .. } | TokenSource::Stdin) => true,
        // Such as the pipe of a shell's `<(pass show …)`.
        Some(TokenSource::File(path)) => std::fs::metadata(path).is_ok_and(|file| !file.is_file()),
        Some(TokenSource::Variable(..)) | None => false,
    };
    if may_wait {
        let (plan, environment) = (plan.clone(), environment.clone());
        interrupts.run(move || plan.load(&environment))
    } else {
        Ok(ControlFlow::Continue(plan.load(environment)))
    }
}

/// All texts that must never be shown, even if a server repeats them.
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
    /// The combined result.
    result: Option<AttemptResult>,
}

impl Attempts {
    /// How long to wait before the next attempt, if there is to be one.
    fn wait(&mut self, policy: &RetryPolicy, latest: &mut AttemptResult) -> Option<Duration> {
        let jitter = fastrand::f64();
        if let Some(wait) = self.user.wait_after(policy.wait_for_user, latest, Instant::now(), jitter) {
            return Some(wait);
        }
        let wait = wait_before_retry(policy, latest, self.count - self.user.refusals, jitter)?;
        Some(if self.user.has_started() { wait.max(USER_GAP) } else { wait })
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

/// Sends and retries, until there is a result or a signal comes.
fn attempt_all(
    transport: &Arc<Transport>,
    policy: &RetryPolicy,
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
            (Ok(attempt), _) => attempt,
            // No thread can be started for another attempt, so the result of the earlier ones is final.
            (Err(_), Some(before)) => return Ok(ControlFlow::Continue(attempts.end(before.clone()))),
            (Err(error), None) => return Err(CommandError::os(NO_THREAD)(error)),
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
        let Some(wait) = attempts.wait(policy, &mut latest) else {
            let result = combine(attempts.result.take(), latest);
            return Ok(ControlFlow::Continue(attempts.end(result)));
        };
        let (title, outcome) = (Exit::from(latest.class).entry().title, text::outcome(request.operation, &latest));
        let (number, seconds) = (attempts.count, wait.as_secs_f64());
        reporter.note(&format!("attempt {number}: {title}, {outcome}; retry in {seconds:.1} s"));
        let so_far = combine(attempts.result.take(), latest);
        let result = attempts.result.insert(so_far);
        journal.conclude(result.outcome, result.status, reporter);
        if let ControlFlow::Break(signal) = interrupts.sleep(wait) {
            return Ok(ControlFlow::Break(attempts.interrupted(signal, false)));
        }
    }
}

/// Shows the trusted certificates, the client certificate and the proxy, for `-v`.
fn trace_route(
    transport: &Transport,
    network: &Network,
    identity: Option<&ClientCertificate>,
    request: &ApiRequest,
    reporter: &mut Reporter,
) {
    let subject = |identity: &ClientCertificate| identity.subject.clone().unwrap_or_else(|| "unreadable".to_owned());
    let lines = [
        transport.trust.as_ref().map(|trust| format!("* trust: {trust}")),
        identity.map(|identity| format!("* client certificate: {}", subject(identity))),
        network.proxy_for(&request.url).map(|proxy| format!("* proxy: {} ({})", proxy.shown, proxy.origin)),
    ];
    let lines: Vec<String> = lines.into_iter().flatten().map(|line| reporter.escape(&line)).collect();
    reporter.trace(&lines);
}
