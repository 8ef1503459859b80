//! `vescli send-password-email`: one person, one request, and what came of it.

use std::thread;
use std::time::Instant;

use super::fault::Fault;
use crate::api::outcome::Outcome;
use crate::api::request::{ApiRequest, Recipient, RequestError};
use crate::api::retry::{Decision, after_another, decide};
use crate::api::transport::Transport;
use crate::cli::args::environment::Environment;
use crate::cli::args::keys::Key;
use crate::cli::args::layer::{Layer, ValueError};
use crate::cli::curl;
use crate::cli::exit::Exit;
use crate::cli::report::plan::{self, RequestDocument};
use crate::cli::report::{Reporter, Sent, Subject, exchange, words};
use crate::cli::safe_text::{SafeText, json_line};
use crate::cli::streams::Streams;
use crate::settings::credential::Credential;
use crate::settings::error::SettingsError;
use crate::settings::identity::Identity;
use crate::settings::proxy::ProxySetting;
use crate::settings::resolve::{Output, Settings};
use crate::settings::secret::Secret;
use crate::settings::sources::Sources;

/// Runs the command: flags and environment go in, what came of it is told, and its exit comes out.
pub fn run(flags: &Layer, environment: &Environment, streams: &mut Streams) -> Exit {
    let mut subject = Subject::default();
    let mut output = Output::early(flags, environment);
    match prepare(flags, environment, &mut subject, &mut output) {
        Ok(prepared) => {
            let mut reporter = Reporter::new(streams, output, environment);
            carry_out(prepared, &mut subject, environment, &mut reporter)
                .unwrap_or_else(|fault| reporter.trouble(&subject, &fault.trouble()))
        }
        Err(fault) => {
            Reporter::new(streams, output, environment).trouble(&subject, &fault.trouble())
        }
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
) -> Result<Prepared, Fault> {
    subject.email = flags.get(Key::Email).map(|given| given.value.to_string());
    let sources = Sources::gather(flags, environment)?;
    *output = Output::resolve(&sources);
    let given = |key| sources.text(key).map(|(text, _)| text.to_owned());
    (subject.email, subject.cname, subject.tenant) =
        (given(Key::Email), given(Key::Cname), given(Key::Tenant));
    let settings = Settings::resolve(&sources, environment)?;
    subject.cname.clone_from(&settings.cname);
    let missing = |key| SettingsError::Missing {
        key,
        config: settings.config.clone(),
    };
    let email = settings
        .email
        .as_deref()
        .ok_or_else(|| missing(Key::Email))?;
    let cname = settings
        .cname
        .as_deref()
        .ok_or_else(|| missing(Key::Cname))?;
    let recipient = Recipient::new(email, cname, settings.allow_any_email)
        .map_err(|error| with_origin(error, &sources))?;
    Ok(Prepared {
        recipient,
        settings,
        dry_run: sources.is_on(Key::DryRun),
        show_curl: sources.is_on(Key::ShowCurl),
    })
}

/// An address or cname that cannot be sent, told with the flag, variable or line that gave it.
fn with_origin(error: RequestError, sources: &Sources) -> Fault {
    let key = match &error {
        RequestError::Email { .. } => Key::Email,
        // A cname that is not given is the tenant, which has been checked already.
        RequestError::Cname { .. } => Key::Cname,
        RequestError::Url(_) => return error.into(),
    };
    match sources.text(key) {
        Some((_, origin)) => ValueError {
            key,
            origin: origin.clone(),
            reason: error.to_string(),
        }
        .into(),
        None => error.into(),
    }
}

fn carry_out(
    prepared: Prepared,
    subject: &mut Subject,
    environment: &Environment,
    reporter: &mut Reporter,
) -> Result<Exit, Fault> {
    let Prepared {
        settings,
        recipient,
        dry_run,
        show_curl,
    } = prepared;
    let unsigned = ApiRequest::new(&settings.target, &recipient, None)?;
    subject.url = Some(unsigned.url.to_string());
    if show_curl {
        let command = curl::command(&unsigned, &settings.credential, &settings.network);
        let text = if reporter.output().json {
            json_line(&CurlDocument::new(command))
        } else {
            command
        };
        if curl::lacks_password(&unsigned, &settings.network) {
            reporter.warn(curl::HIDDEN_PROXY);
        }
        reporter.print(&text)?;
        return Ok(Exit::Accepted);
    }
    let credential = settings.credential.load(environment)?;
    subject.with_credential = credential.token.is_some() || credential.identity.is_some();
    reporter.hide(SafeText::hiding(secrets(&settings, &credential)));
    let identity = credential.identity;
    let request = ApiRequest {
        token: credential.token,
        ..unsigned
    };
    if !reporter.output().json {
        settings
            .warnings
            .iter()
            .for_each(|warning| reporter.warn(warning));
    }
    if dry_run {
        Transport::new(&settings.network, identity.as_ref(), &request)?;
        let text = if reporter.output().json {
            json_line(&RequestDocument::new(
                &request,
                &settings.network,
                settings.warnings,
            ))
        } else {
            plan::text(&request, &settings.network, reporter.safe())
        };
        reporter.print(&text)?;
        return Ok(Exit::Accepted);
    }
    let sent = send(&settings, identity.as_ref(), &request, reporter)?;
    Ok(reporter.sent(subject, &sent, &settings.warnings))
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
        Self {
            schema: "vescli.curl/1",
            ok: true,
            command,
            exit_code: 0,
        }
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

/// Tells `-v` who is trusted, who is shown, and which way is taken.
fn trace_way(
    transport: &Transport,
    settings: &Settings,
    identity: Option<&Identity>,
    request: &ApiRequest,
    reporter: &mut Reporter,
) {
    let mut lines = Vec::new();
    if let Some(trust) = &transport.trust {
        lines.push(format!("* trust: {trust}"));
    }
    if let Some(identity) = identity {
        let subject = identity.subject.as_deref().unwrap_or("unreadable");
        lines.push(format!("* client certificate: {subject}"));
    }
    if let Some(proxy) = settings.network.proxy_for(&request.url) {
        lines.push(format!("* proxy: {} ({})", proxy.shown, proxy.origin));
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| reporter.safe().shown(line))
        .collect();
    reporter.trace(&lines);
}

/// Sends, and repeats what may be repeated.
fn send(
    settings: &Settings,
    identity: Option<&Identity>,
    request: &ApiRequest,
    reporter: &mut Reporter,
) -> Result<Sent, Fault> {
    let transport = Transport::new(&settings.network, identity, request)?;
    let verbose = reporter.output().verbose;
    if verbose > 0 {
        trace_way(&transport, settings, identity, request, reporter);
    }
    let start = Instant::now();
    let mut before: Option<Outcome> = None;
    let mut attempts = 0;
    loop {
        attempts += 1;
        if verbose > 0 {
            let lines = exchange::request(request, verbose > 1, reporter.safe());
            reporter.trace(&lines);
        }
        let attempt = transport.attempt(request);
        if let (Some(exchange), 1..) = (&attempt.exchange, verbose) {
            let lines = exchange::answer(exchange, verbose > 1, reporter.safe());
            reporter.trace(&lines);
        }
        let decision = decide(&settings.retry, &attempt.outcome, attempts, fastrand::f64());
        let latest = attempt.outcome;
        match decision {
            Decision::Stop => {
                let outcome = after_another(before, latest);
                return Ok(Sent {
                    outcome,
                    attempts,
                    elapsed: start.elapsed(),
                });
            }
            Decision::After(wait) => {
                let title = Exit::from(latest.class).row().title;
                let fate = words::fate(&latest);
                reporter.note(&format!(
                    "attempt {attempts}: {title}, {fate}; again in {:.1} s",
                    wait.as_secs_f64()
                ));
                before = Some(after_another(before, latest));
                thread::sleep(wait);
            }
        }
    }
}
