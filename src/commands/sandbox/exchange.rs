//! One request and what becomes of it: read it, check it, decide, write it down, and only then answer.

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use thiserror::Error;

use super::answer::Answer;
use super::contract::{Violation, check};
use super::log::Log;
use super::scenario::Scenario;
use super::server::Limits;
use super::window::Window;
use crate::settings::rate::Rate;

/// Longest request body that is read, in bytes. The two fields of the operation are far from it.
const BODY_MAX: usize = 64 * 1024;

/// What a sandbox is set up with.
#[derive(Debug)]
pub(super) struct Rules {
    /// How many requests are let through; `None` for all.
    pub(super) rate: Option<Rate>,
    /// The only token that is let through; `None` when none is needed.
    pub(super) token: Option<String>,
    /// Where requests are written down.
    pub(super) log: Option<Log>,
    /// How long `slow@…` waits for its answer.
    pub(super) slow: Duration,
    /// What clients may take up.
    pub(super) limits: Limits,
}

/// What the sandbox remembers from one request to the next.
#[derive(Debug)]
pub(super) struct Desk {
    token: Option<String>,
    slow: Duration,
    patience: Duration,
    memory: Mutex<Memory>,
    failures: Sender<io::Error>,
}

#[derive(Debug)]
struct Memory {
    window: Option<Window>,
    flaky_seen: HashSet<String>,
    log: Option<Log>,
}

/// The connection is to be closed without an answer. hyper does that when the service fails.
#[derive(Debug, Error)]
#[error("hung up, as the recipient or the client asked for")]
pub(super) struct HungUp;

/// What a request is met with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reaction {
    Answer(Answer),
    Late(Answer),
    HangUp,
}

impl Desk {
    /// A desk that has seen no request. The first error of the log, after which no line is written, goes to `failures`.
    pub(super) fn new(rules: Rules, failures: Sender<io::Error>) -> Self {
        Self {
            token: rules.token,
            slow: rules.slow,
            patience: rules.limits.patience,
            memory: Mutex::new(Memory {
                window: rules.rate.map(Window::new),
                flaky_seen: HashSet::new(),
                log: rules.log,
            }),
            failures,
        }
    }

    /// Takes one request and gives its answer.
    ///
    /// # Errors
    /// [`HungUp`] for `drop@…`, and when the request was not complete in time or the client went away before it was.
    pub(super) async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, HungUp> {
        let at = SystemTime::now();
        let (parts, incoming) = request.into_parts();
        let collected = Limited::new(incoming, BODY_MAX).collect();
        let body = match tokio::time::timeout(self.patience, collected).await {
            Ok(Ok(body)) => Some(body.to_bytes()),
            Ok(Err(error)) if is_too_long(error.as_ref()) => None,
            Ok(Err(_)) | Err(_) => return Err(HungUp),
        };
        let (reaction, violation) = self.decide(&parts, body.as_deref());
        self.write_down(
            at,
            &parts,
            &body.unwrap_or_default(),
            violation.map(|violation| violation.to_string()),
            &reaction,
        );
        match reaction {
            Reaction::Answer(answer) => Ok(answer.into_response()),
            Reaction::Late(answer) => {
                tokio::time::sleep(self.slow).await;
                Ok(answer.into_response())
            }
            Reaction::HangUp => Err(HungUp),
        }
    }

    /// First the contract, so that a broken request is always told what is wrong with it; then the credential; then the
    /// rate, which therefore counts only what the service would have worked on; then the recipient's name.
    fn decide(&self, parts: &Parts, body: Option<&[u8]>) -> (Reaction, Option<Violation>) {
        let checked = body.map_or(Err(Violation::TooLarge(BODY_MAX)), |body| {
            check(&parts.method, &parts.uri.to_string(), &parts.headers, body)
        });
        let checked = checked.and_then(|request| {
            let scenario = Scenario::of(&request.email).map_err(Violation::Scenario)?;
            Ok((request, scenario))
        });
        let (request, scenario) = match checked {
            Ok(checked) => checked,
            Err(violation) => {
                let status = match violation {
                    Violation::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                let answer = Answer::refused(status, &violation.to_string());
                return (Reaction::Answer(answer), Some(violation));
            }
        };
        if self.token.is_some() && self.token != request.token {
            let message = if request.token.is_some() {
                "the token is not the sandbox's"
            } else {
                "the sandbox wants its token, and none was sent"
            };
            let answer = Answer::refused(StatusCode::UNAUTHORIZED, message);
            return (Reaction::Answer(answer), None);
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(wait)) = memory.window.as_mut().map(|it| it.admit(Instant::now())) {
            return (Reaction::Answer(Answer::rate_limited(wait)), None);
        }
        let mut first = || memory.flaky_seen.insert(request.email.to_lowercase());
        (react(scenario, &mut first), None)
    }

    /// Writes before the answer leaves, so that whoever has an answer finds its line. `slow@…` is therefore written down
    /// with the status that it will get, whether the client stays for it or not.
    fn write_down(&self, at: SystemTime, parts: &Parts, body: &[u8], violation: Option<String>, reaction: &Reaction) {
        let status = match reaction {
            Reaction::Answer(answer) | Reaction::Late(answer) => Some(answer.status()),
            Reaction::HangUp => None,
        };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = memory.log.as_mut() else {
            return;
        };
        if let Err(error) = log.write(at, parts, body, violation, status) {
            memory.log = None;
            // Nobody listens any more when the sandbox is on its way out, and then nobody reads the log's error either.
            let _ = self.failures.send(error);
        }
    }
}

/// What a scenario comes to; `first` says whether the address was not met before, and remembers it.
fn react(scenario: Scenario, first: &mut dyn FnMut() -> bool) -> Reaction {
    let status = |status| StatusCode::from_u16(status).map_or_else(|_| Answer::accepted(), Answer::of_status);
    Reaction::Answer(match scenario {
        Scenario::Drop => return Reaction::HangUp,
        Scenario::Slow => return Reaction::Late(Answer::accepted()),
        Scenario::Status(code) => status(code),
        Scenario::Flaky(code) if first() => status(code),
        Scenario::Flaky(_) | Scenario::Accept => Answer::accepted(),
        Scenario::Html => Answer::login_page(),
        Scenario::Redirect => Answer::of_status(StatusCode::FOUND),
    })
}

fn is_too_long(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.is::<LengthLimitError>()
}
