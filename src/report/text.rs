//! Text for people: colours, which depend on the stream; numbers and times; and the texts about one request: accepted, failed,
//! dry run, `-v`.

use std::time::Duration;

use colored::{ColoredString, Colorize};

use super::escape::Redactor;
use super::exit::Exit;
use super::{RequestInfo, SendResult};
use crate::api::answer::BodyContent;
use crate::api::operation::{ApiRequest, Operation};
use crate::api::outcome::{AttemptResult, Class, Outcome};
use crate::api::retry::is_safe_to_retry;
use crate::api::transport::Exchange;
use crate::args::environment::Environment;
use crate::settings::ColorChoice;
use crate::settings::network::Network;

/// Colours for one stream; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style(bool);

impl Style {
    /// `--color`, then `NO_COLOR`, `FORCE_COLOR` or `CLICOLOR_FORCE`, `TERM=dumb`, then whether the stream is a terminal
    /// (<https://no-color.org>, <https://bixense.com/clicolors>).
    pub fn new(choice: ColorChoice, environment: &Environment, is_terminal: bool) -> Self {
        let forced = |name| environment.get(name).is_some_and(|value| value != "0");
        Self(match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if environment.get("NO_COLOR").is_some() => false,
            ColorChoice::Auto if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") => true,
            ColorChoice::Auto if environment.get("TERM").is_some_and(|term| term == "dumb") => false,
            ColorChoice::Auto => is_terminal,
        })
    }

    pub const fn has_colors(self) -> bool {
        self.0
    }

    pub fn success(self, text: &str) -> String {
        self.apply(text, |text| text.green().bold())
    }

    pub fn error(self, text: &str) -> String {
        self.apply(text, |text| text.red().bold())
    }

    pub fn warning(self, text: &str) -> String {
        self.apply(text, |text| text.yellow().bold())
    }

    pub fn heading(self, text: &str) -> String {
        self.apply(text, |text| text.bold())
    }

    /// A heading as clap shows one.
    pub fn section(self, text: &str) -> String {
        self.apply(text, |text| text.bold().underline())
    }

    pub fn dim(self, text: &str) -> String {
        self.apply(text, |text| text.dimmed())
    }

    fn apply(self, text: &str, style: impl Fn(&str) -> ColoredString) -> String {
        if !self.0 {
            return text.to_owned();
        }
        // `colored` decides for the whole process; this must not override the choice for this stream.
        colored::control::set_override(true);
        style(text).to_string()
    }
}

/// Headers of an answer that contain secrets.
const SECRET_HEADERS: [&str; 3] = ["set-cookie", "www-authenticate", "proxy-authenticate"];

/// A number with the noun that it counts.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with commas between its thousands.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// A length of time for people: whole seconds, at most two units.
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

pub fn result(info: &RequestInfo, sent: &SendResult, style: Style, redactor: &Redactor) -> String {
    let write = if sent.result.outcome == Outcome::Accepted { accepted } else { failure };
    write(info, sent, style, redactor)
}

fn accepted(info: &RequestInfo, sent: &SendResult, style: Style, redactor: &Redactor) -> String {
    let attempts = if sent.attempts > 1 { format!(", {} attempts", sent.attempts) } else { String::new() };
    let mut details = info.tenant.as_ref().map_or_else(String::new, |tenant| format!("tenant {tenant}, "));
    for (name, value) in info.values.iter().skip(1) {
        details.push_str(&format!("{name} {}, ", redactor.escape(value.as_deref().unwrap_or_default())));
    }
    format!(
        "{} {} for {} ({details}{} ms{attempts})\n",
        style.success("accepted:"),
        info.operation.noun,
        redactor.escape(info.subject()),
        sent.elapsed.as_millis(),
    )
}

fn failure(info: &RequestInfo, sent: &SendResult, style: Style, redactor: &Redactor) -> String {
    let result = &sent.result;
    let title = sent.exit().entry().title;
    let status = result.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let tenant = info.tenant.as_ref().map_or_else(String::new, |tenant| format!(", tenant {tenant}"));
    let attempts = if sent.attempts > 1 { format!(", after {} attempts", sent.attempts) } else { String::new() };
    let subject = redactor.escape(info.subject());
    let mut text = format!("{} {title}{status} for {subject}{tenant}{attempts}\n", style.error("error:"));
    let mut line = |label: &str, content: &str| text.push_str(&format!("  {label}{content}\n"));
    match &result.content {
        Some(BodyContent::Html) => line("server: ", "an HTML page, not the API"),
        Some(BodyContent::Other) => line("server: ", "neither JSON of the API nor text"),
        content => {
            if let Some(message) = content.as_ref().and_then(BodyContent::message) {
                line("server: ", &format!("\"{}\"", redactor.escape(message)));
            }
        }
    }
    if let Some(location) = &result.location {
        line("redirects to: ", &redactor.escape(location));
    }
    if let Some(cause) = &result.cause {
        line("cause: ", &redactor.escape(cause));
    }
    if result.waited.is_some() {
        line("", &waited(result, ""));
    }
    line("", &outcome(info.operation, result));
    line(&style.dim("hint: "), &redactor.escape_uncut(hint(info, result).as_bytes()));
    text
}

/// The separator and a phrase that says how long vescli waited for a user who did not appear; empty if it did not wait.
pub fn waited(result: &AttemptResult, separator: &str) -> String {
    let phrase = |waited| format!("{separator}waited {} for the user to exist", duration(waited));
    result.waited.map_or_else(String::new, phrase)
}

/// A phrase for the outcome of a request.
pub fn outcome(operation: &Operation, result: &AttemptResult) -> String {
    let phrase = match result.outcome {
        Outcome::Accepted => "accepted",
        Outcome::Rejected => &format!("rejected: {}", operation.rejected),
        Outcome::NotSent => "not sent",
        Outcome::Unknown => "unknown: may have been sent, and no answer shows its outcome",
    };
    match result.retry_after {
        Some(wait) if result.outcome != Outcome::Accepted => {
            format!("{phrase}; the server asks to wait {} s", wait.as_secs())
        }
        _ => phrase.to_owned(),
    }
}

/// A sentence that says what to do.
pub fn hint(info: &RequestInfo, result: &AttemptResult) -> String {
    let exit = Exit::from(result.class);
    let check_first = info.operation.check_first;
    let see = format!("see `vescli explain {}`", exit.code());
    let hint = match (result.class, result.retry_after) {
        (Class::RateLimited | Class::Unavailable, Some(wait)) => {
            format!("run it again after {} s, or {see}", wait.as_secs())
        }
        (Class::Unauthorized, _) if !info.with_credential => {
            "no credential was sent: set VESCLI_TOKEN, or name a file with --token-file".to_owned()
        }
        (Class::Timeout | Class::ClientCertificate, _) if result.outcome == Outcome::Unknown => {
            format!("{check_first}; {see}")
        }
        (Class::NotFound, _) if result.waited.is_some() => {
            format!("check --email, --tenant and --base-url, or try a longer --wait-for-user; {see}")
        }
        (Class::Timeout, _) => format!("check the network, or try a longer --connect-timeout; {see}"),
        (Class::Unavailable, None) => format!("{check_first}; {see}"),
        _ if is_safe_to_retry(result) && result.outcome == Outcome::Rejected => format!("run it again, or {see}"),
        _ => exit.entry().advice.to_owned(),
    };
    info.then_record(&hint)
}

/// The headers of a request in their order, with the token redacted.
pub fn headers(request: &ApiRequest) -> impl Iterator<Item = (&'static str, &'static str)> {
    let token = request.token.as_ref().map(|_| ("authorization", "APIToken ***"));
    token.into_iter().chain(request.headers)
}

/// The request of `--dry-run`.
pub fn dry_run(request: &ApiRequest, network: &Network, redactor: &Redactor) -> String {
    let mut text = format!("POST {}\n", request.url);
    for (name, value) in headers(request) {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push_str(&format!("\n{}\n", redactor.escape_uncut(request.body.as_bytes())));
    if let Some(proxy) = network.proxy_for(&request.url) {
        let proxy = format!("{} ({})", proxy.shown, proxy.origin);
        text.push_str(&format!("\nthrough the proxy {}\n", redactor.escape(&proxy)));
    }
    text
}

/// The lines of a request for `-v`, and with its body for `-vv`, as curl shows them.
pub fn request_lines(request: &ApiRequest, with_body: bool, redactor: &Redactor) -> Vec<String> {
    let mut lines =
        vec![format!("> POST {} HTTP/1.1", request.url.path()), format!("> host: {}", request.url.authority())];
    lines.extend(headers(request).map(|(name, value)| format!("> {name}: {value}")));
    if with_body {
        lines.push(format!("> {}", redactor.escape_uncut(request.body.as_bytes())));
    }
    lines
}

/// The lines of an answer for `-v`, and with its body for `-vv`.
pub fn answer_lines(exchange: &Exchange, with_body: bool, redactor: &Redactor) -> Vec<String> {
    let mut lines = vec![format!("< {}", redactor.escape(&exchange.status_line))];
    for (name, value) in &exchange.headers {
        let value = if SECRET_HEADERS.contains(&name.as_str()) { "***".to_owned() } else { redactor.escape(value) };
        lines.push(format!("< {name}: {value}"));
    }
    if with_body && !exchange.body.is_empty() {
        lines.push(format!("< {}", redactor.escape_uncut(&exchange.body)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_source_decides_about_colour() {
        let decide = |choice, pairs: &[(&str, &str)], terminal| {
            Style::new(choice, &pairs.iter().copied().collect(), terminal).has_colors()
        };
        let auto = ColorChoice::Auto;
        assert!(decide(ColorChoice::Always, &[("NO_COLOR", "1")], false));
        assert!(!decide(ColorChoice::Never, &[("FORCE_COLOR", "1")], true));
        assert!(!decide(auto, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], true));
        assert!(decide(auto, &[("NO_COLOR", ""), ("FORCE_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(decide(auto, &[("CLICOLOR_FORCE", "1")], false));
        assert!(!decide(auto, &[("FORCE_COLOR", "0")], false));
        assert!(!decide(auto, &[("TERM", "dumb")], true));
        assert!(decide(auto, &[("TERM", "xterm")], true));
        assert!(!decide(auto, &[], false));
    }

    #[test]
    fn without_colour_a_text_stays_as_it_is() {
        assert_eq!(Style(false).error("x"), "x");
        assert_eq!(Style(true).error("x"), "\u{1b}[1;31mx\u{1b}[0m");
    }

    #[test]
    fn numbers_and_times_are_easy_to_read() {
        for (count, text) in
            [(0, "0 rows"), (1, "1 row"), (999, "999 rows"), (1000, "1,000 rows"), (1_234_567, "1,234,567 rows")]
        {
            assert_eq!(counted(count, "row"), text);
        }
        for (seconds, text) in [(0, "0 s"), (59, "59 s"), (374, "6 min 14 s"), (3600, "1 h 0 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }
}
