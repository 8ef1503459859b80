//! The attempts of one request: sends, and repeats what may be repeated, until a signal comes.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::work;
use crate::api::outcome::{AttemptResult, Outcome};
use crate::api::request::ApiRequest;
use crate::api::retry::{Decision, after_another, decide};
use crate::api::transport::Transport;
use crate::commands::error::CommandError;
use crate::commands::interrupt::{Interrupted, Interrupts};
use crate::report::exit::Exit;
use crate::report::interrupted::Interruption;
use crate::report::{Reporter, SendResult, exchange, words};
use crate::settings::Settings;
use crate::settings::credential::certificate::ClientCertificate;

/// Tells `-v` who is trusted, who is shown, and which way is taken.
fn trace_way(
    transport: &Transport,
    settings: &Settings,
    identity: Option<&ClientCertificate>,
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
    let lines: Vec<String> = lines.iter().map(|line| reporter.safe().shown(line)).collect();
    reporter.trace(&lines);
}

/// What is known between two attempts.
struct Progress {
    start: Instant,
    /// What the attempts so far came to.
    before: Option<AttemptResult>,
    attempts: u64,
}

impl Progress {
    fn sent(&self, result: AttemptResult) -> SendResult {
        SendResult { result, attempts: self.attempts, elapsed: self.start.elapsed() }
    }

    /// `left`: whether the attempt that is under way may have sent its request.
    fn interrupted(&self, signal: i32, left: bool) -> Interruption {
        let open = |result: &AttemptResult| result.outcome == Outcome::Unknown;
        Interruption {
            signal,
            may_have_left: left || self.before.as_ref().is_some_and(open),
            attempts: self.attempts,
            elapsed: self.start.elapsed(),
        }
    }
}

/// Sends, and repeats what may be repeated.
///
/// # Errors
/// [`CommandError`] when nothing was sent, because no client or no thread can be had.
pub(super) fn send(
    settings: &Settings,
    identity: Option<&ClientCertificate>,
    request: &Arc<ApiRequest>,
    interrupts: &Interrupts,
    reporter: &mut Reporter,
) -> Result<ControlFlow<Interruption, SendResult>, CommandError> {
    let transport = Arc::new(Transport::new(&settings.network, identity, request)?);
    let verbose = reporter.output().verbose;
    if verbose > 0 {
        trace_way(&transport, settings, identity, request, reporter);
    }
    let mut progress = Progress { start: Instant::now(), before: None, attempts: 0 };
    loop {
        if verbose > 0 {
            let lines = exchange::request(request, verbose > 1, reporter.safe());
            reporter.trace(&lines);
        }
        let connections = transport.connections();
        let (client, shared) = (Arc::clone(&transport), Arc::clone(request));
        let attempt = interrupts.run(move || client.attempt(&shared));
        let attempt = match (attempt, &progress.before) {
            // There is no room for another attempt, so those before were all.
            (Err(Interrupted::Failed(_)), Some(before)) => {
                return Ok(ControlFlow::Continue(progress.sent(before.clone())));
            }
            (attempt, _) => work(attempt)?,
        };
        progress.attempts += 1;
        let attempt = match attempt {
            ControlFlow::Continue(attempt) => attempt,
            ControlFlow::Break(signal) => {
                let left = transport.shut(connections);
                return Ok(ControlFlow::Break(progress.interrupted(signal, left)));
            }
        };
        if let (Some(exchange), 1..) = (&attempt.exchange, verbose) {
            let lines = exchange::answer(exchange, verbose > 1, reporter.safe());
            reporter.trace(&lines);
        }
        let latest = attempt.result;
        let Decision::After(wait) = decide(&settings.retry, &latest, progress.attempts, fastrand::f64()) else {
            let result = after_another(progress.before.take(), latest);
            return Ok(ControlFlow::Continue(progress.sent(result)));
        };
        reporter.note(&again(progress.attempts, &latest, wait));
        progress.before = Some(after_another(progress.before.take(), latest));
        if let ControlFlow::Break(signal) = interrupts.sleep(wait) {
            return Ok(ControlFlow::Break(progress.interrupted(signal, false)));
        }
    }
}

fn again(attempts: u64, result: &AttemptResult, wait: Duration) -> String {
    let title = Exit::from(result.class).row().title;
    let outcome = words::outcome(result);
    let seconds = wait.as_secs_f64();
    format!("attempt {attempts}: {title}, {outcome}; retry in {seconds:.1} s")
}
