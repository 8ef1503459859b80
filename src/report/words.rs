//! The words for people: the accepted line, the failure with its cause, its outcome and a hint.

use super::{SendResult, Subject};
use crate::api::answer::ServerSays;
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::api::retry::is_repeatable;
use crate::report::exit::Exit;
use crate::report::safe_text::SafeText;
use crate::report::streams::Paint;

/// The line for a request that was accepted.
pub fn accepted(subject: &Subject, sent: &SendResult, paint: Paint, safe: &SafeText) -> String {
    let attempts = if sent.attempts > 1 { format!(", {} attempts", sent.attempts) } else { String::new() };
    format!(
        "{} password email for {} ({}cname {}, {} ms{attempts})\n",
        paint.good("accepted:"),
        safe.shown(subject.email.as_deref().unwrap_or_default()),
        subject.tenant.as_ref().map_or_else(String::new, |tenant| format!("tenant {tenant}, ")),
        safe.shown(subject.cname.as_deref().unwrap_or_default()),
        sent.elapsed.as_millis(),
    )
}

/// The lines for a request that was not.
pub fn failure(subject: &Subject, sent: &SendResult, paint: Paint, safe: &SafeText) -> String {
    let result = &sent.result;
    let row = Exit::from(result.class).row();
    let status = result.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let tenant = subject.tenant.as_ref().map_or_else(String::new, |tenant| format!(", tenant {tenant}"));
    let attempts = if sent.attempts > 1 { format!(", after {} attempts", sent.attempts) } else { String::new() };
    let email = safe.shown(subject.email.as_deref().unwrap_or_default());
    let mut text = format!("{} {}{status} for {email}{tenant}{attempts}\n", paint.bad("error:"), row.title);
    let mut line = |label: &str, content: &str| text.push_str(&format!("  {label}{content}\n"));
    match result.says.as_ref() {
        Some(ServerSays::Html) => line("server: ", "an HTML page, not the API"),
        Some(ServerSays::Other) => line("server: ", "something that is neither JSON of the API nor text"),
        Some(says) => {
            if let Some(message) = says.message() {
                line("server: ", &format!("\"{}\"", safe.shown(message)));
            }
        }
        None => {}
    }
    if let Some(location) = &result.location {
        line("points to: ", &safe.shown(location));
    }
    if let Some(cause) = &result.cause {
        line("cause: ", &safe.shown(cause));
    }
    line("", &outcome(result));
    line(&paint.faint("hint: "), &hint(subject, result));
    text
}

/// What became of the request, in a phrase.
pub fn outcome(result: &AttemptResult) -> String {
    let phrase = match result.outcome {
        Outcome::Accepted => "accepted",
        Outcome::Rejected => "rejected: no mail was sent",
        Outcome::NotSent => "not sent",
        Outcome::Unknown => "unknown: may have been sent, and nothing proves what became of the request",
    };
    match result.retry_after {
        Some(wait) if result.outcome != Outcome::Accepted => {
            format!("{phrase}; the server asks to wait {} s", wait.as_secs())
        }
        _ => phrase.to_owned(),
    }
}

/// What to do, in a sentence.
pub fn hint(subject: &Subject, result: &AttemptResult) -> String {
    let exit = Exit::from(result.class);
    let code = exit.code();
    match (result.class, result.retry_after) {
        (Class::RateLimited | Class::Unavailable, Some(wait)) => {
            format!("run it again after {} s, or see `vescli explain {code}`", wait.as_secs())
        }
        (Class::Unauthorized, _) if !subject.with_credential => {
            "no credential was sent: set VESCLI_TOKEN, or name a file with --token-file".to_owned()
        }
        (Class::Timeout | Class::ClientCertificate, _) if result.outcome == Outcome::Unknown => {
            format!("ask the person or check the console before sending again; see `vescli explain {code}`")
        }
        (Class::Timeout, _) => {
            format!("check the network, or try a longer --connect-timeout; see `vescli explain {code}`")
        }
        (Class::Unavailable, None) => {
            format!("ask the person or check the console before sending again; see `vescli explain {code}`")
        }
        _ if is_repeatable(result) && result.outcome == Outcome::Rejected => {
            format!("run it again, or see `vescli explain {code}`")
        }
        _ => exit.row().advice.to_owned(),
    }
}
