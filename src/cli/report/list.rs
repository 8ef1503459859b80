//! Tells of a list in words: the plan, a line for each row, the progress, the summary.

use std::time::Duration;

use super::words;
use crate::api::answer::ServerSays;
use crate::api::outcome::{Fate, Outcome};
use crate::bulk::plan::Plan;
use crate::bulk::rows::{Format, List, Row};
use crate::bulk::tally::{Fates, Tally};
use crate::cli::exit::Exit;
use crate::cli::safe_text::SafeText;
use crate::cli::streams::Paint;
use crate::settings::rate::Rate;

/// How many rows of each kind are named in a plan.
const NAMED: usize = 10;
/// How many rows a plan shows as a sample.
const SAMPLE: usize = 3;

/// Everything that a plan tells.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names are those of the plan")]
pub struct PlanFacts<'a> {
    pub tenant: Option<&'a str>,
    pub profile: Option<&'a str>,
    pub url: &'a str,
    pub cname: &'a str,
    pub name: &'a str,
    pub journal: &'a str,
    pub list: &'a List,
    pub plan: &'a Plan,
    pub rate: Option<Rate>,
    pub jobs: usize,
    /// When the first and the last row were accepted, RFC 3339.
    pub accepted_at: Option<(String, String)>,
    /// Whether a new journal is begun beside one that is there.
    pub sets_aside: bool,
}

/// The word for a format.
#[must_use]
pub const fn format_word(format: Format) -> &'static str {
    match format {
        Format::Auto => "auto",
        Format::Csv => "csv",
        Format::Ndjson => "ndjson",
        Format::Lines => "lines",
    }
}

/// A number with the noun that it counts.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with commas between its thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time as people say it: whole seconds, two units at most.
#[must_use]
pub fn time(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", seconds),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The plan: who is to be mailed, as whom and how fast, and who is not and why.
#[must_use]
pub fn plan(facts: &PlanFacts, paint: Paint, safe: &SafeText) -> String {
    let (list, plan) = (facts.list, facts.plan);
    let mut text = String::new();
    let mut line = |label: &str, content: &str| {
        let label = paint.strong(&format!("{label:<9}"));
        text.push_str(&format!("{label} {content}\n"));
    };
    let profile = facts.profile.map_or_else(String::new, |name| {
        format!(" (profile {})", safe.shown(name))
    });
    line(
        "tenant",
        &format!("{}{profile}", facts.tenant.unwrap_or("-")),
    );
    line("url", facts.url);
    let with_own = list.rows.iter().any(|row| row.cname.is_some());
    let own = if with_own {
        ", unless the row brings its own"
    } else {
        ""
    };
    line("cname", &format!("{}{own}", safe.shown(facts.cname)));
    line("list", &of_list(facts, safe));
    if list.repeats > 0 {
        let other = match list.repeats_with_other_cname {
            0 => String::new(),
            count => format!("; {count} of them had another cname than the row that is kept"),
        };
        line(
            "repeats",
            &format!("{} dropped{other}", counted(list.repeats, "row")),
        );
    }
    if plan.accepted > 0 {
        let when = facts
            .accepted_at
            .as_ref()
            .map_or_else(String::new, |(_, last)| format!(", the last one at {last}"));
        line(
            "accepted",
            &format!("{} earlier{when}: skipped", counted(plan.accepted, "row")),
        );
    }
    if plan.rejected > 0 {
        let rows = counted(plan.rejected, "row");
        line(
            "rejected",
            &format!("{rows} earlier: left alone (--retry-rejected sends them again)"),
        );
    }
    if !plan.unknown.is_empty() {
        let rows = counted(plan.unknown.len() as u64, "row");
        line(
            "unknown",
            &format!(
                "{rows} may have been mailed: left alone (settle with `vescli journal resolve`; --resend-unknown may mail twice)"
            ),
        );
    }
    for named in unknown_rows(list, plan, safe) {
        line("", &named);
    }
    line("journal", &journal(facts, safe));
    line("to send", &to_send(facts));
    let sample = sample(list, plan, safe);
    if !sample.is_empty() {
        line("such as", &sample.join(", "));
    }
    text
}

fn of_list(facts: &PlanFacts, safe: &SafeText) -> String {
    let list = facts.list;
    let ignored: Vec<String> = list
        .ignored_columns
        .iter()
        .take(NAMED)
        .map(|name| safe.shown(name))
        .collect();
    let ignored = match ignored.len() {
        0 => String::new(),
        _ => format!("; ignored: {}", ignored.join(", ")),
    };
    let bad = match list.bad.len() as u64 {
        0 => String::new(),
        count => format!("; {} that cannot be used left out", counted(count, "row")),
    };
    format!(
        "{} ({}), {}{bad}{ignored}",
        safe.shown(facts.name),
        format_word(list.format),
        counted(list.rows.len() as u64, "row"),
    )
}

fn journal(facts: &PlanFacts, safe: &SafeText) -> String {
    let path = safe.shown(facts.journal);
    if facts.sets_aside {
        format!("{path}, begun anew: who was mailed earlier is mailed again")
    } else {
        path
    }
}

fn to_send(facts: &PlanFacts) -> String {
    let plan = facts.plan;
    let beyond = match plan.beyond_limit {
        0 => String::new(),
        count => format!("; {} left for later by --limit", counted(count, "row")),
    };
    let doubtful = match plan.tasks.iter().filter(|task| task.was_unknown).count() {
        0 => String::new(),
        count => format!("; {count} of them may have been mailed already"),
    };
    let pace = match (facts.rate, plan.time_at(facts.rate)) {
        (Some(rate), Some(length)) => format!("at {rate}, about {}", time(length)),
        _ => "without a limit on the rate".to_owned(),
    };
    let jobs = counted(facts.jobs as u64, "job");
    format!(
        "{} {pace}, {jobs}{doubtful}{beyond}",
        counted(plan.count(), "row")
    )
}

/// The rows that are unknown and left alone, as far as they are named.
fn unknown_rows(list: &List, plan: &Plan, safe: &SafeText) -> Vec<String> {
    let mut named: Vec<String> = plan
        .unknown
        .iter()
        .take(NAMED)
        .filter_map(|index| list.rows.get(*index as usize))
        .map(|row| format!("line {}: {}", row.line, safe.shown(&row.email)))
        .collect();
    if let Some(rest) = plan.unknown.len().checked_sub(NAMED + 1) {
        named.push(format!("and {} more", rest + 1));
    }
    named
}

/// A few of the addresses that are going to be mailed.
#[must_use]
pub fn sample(list: &List, plan: &Plan, safe: &SafeText) -> Vec<String> {
    plan.tasks
        .iter()
        .take(SAMPLE)
        .filter_map(|task| list.rows.get(task.index as usize))
        .map(|row| safe.shown(&row.email))
        .collect()
}

/// The line of a row that has ended.
#[must_use]
pub fn row(row: &Row, outcome: &Outcome, paint: Paint, safe: &SafeText) -> String {
    let word = format!("{:<8}", outcome.fate.word());
    let word = match outcome.fate {
        Fate::Accepted => paint.good(&word),
        Fate::Rejected | Fate::NotSent => paint.bad(&word),
        Fate::Unknown => paint.warn(&word),
    };
    let why = match outcome.fate {
        Fate::Accepted => String::new(),
        _ => format!("  {}", why(outcome, safe)),
    };
    format!("{word}  {}{why}\n", safe.shown(&row.email))
}

/// Why a row was not accepted, in a phrase.
#[must_use]
pub fn why(outcome: &Outcome, safe: &SafeText) -> String {
    let title = Exit::from(outcome.class).row().title;
    let status = outcome
        .status
        .map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let said = match (&outcome.says, &outcome.cause, &outcome.location) {
        (Some(ServerSays::Html), _, _) => ": an HTML page, not the API".to_owned(),
        (_, _, Some(location)) => format!(": points to {}", safe.shown(location)),
        (Some(says), _, _) => says
            .message()
            .map_or_else(String::new, |text| format!(": \"{}\"", safe.shown(text))),
        (None, Some(cause), _) => format!(": {}", safe.shown(cause)),
        (None, None, None) => String::new(),
    };
    format!("{title}{status}{said}")
}

/// The numbers of a run on the way, such as `118 accepted, 2 rejected`.
#[must_use]
pub fn fates(fates: &Fates) -> String {
    let parts = [
        (fates.accepted, Fate::Accepted),
        (fates.rejected, Fate::Rejected),
        (fates.not_sent, Fate::NotSent),
        (fates.unknown, Fate::Unknown),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, fate)| *count > 0 || *fate == Fate::Accepted)
        .map(|(count, fate)| format!("{} {}", grouped(*count), fate.word()))
        .collect();
    parts.join(", ")
}

/// The summary at the end.
#[must_use]
pub fn summary(plan: &Plan, tally: &Tally, elapsed: Duration, rows: u64, paint: Paint) -> String {
    let list = tally.of_list(plan);
    let requests = counted(tally.requests, "request");
    let label = |text: &str| paint.strong(text);
    let mut text = format!(
        "{} {} ({requests}, {})\n",
        label("this run:"),
        fates(&tally.ended),
        time(elapsed),
    );
    if list != tally.ended {
        text.push_str(&format!(
            "{} {} of {}\n",
            label("the list:"),
            fates(&list),
            counted(rows, "row")
        ));
    }
    text
}

/// The sentence for a list of which nothing is left to send.
#[must_use]
pub fn nothing_left(facts: &PlanFacts) -> String {
    let when = facts
        .accepted_at
        .as_ref()
        .map_or_else(String::new, |(first, last)| match first == last {
            true => format!(", at {first}"),
            false => format!(", between {first} and {last}"),
        });
    let all = facts.list.rows.len() as u64;
    if facts.plan.accepted == all {
        let rows = counted(all, "row");
        return format!(
            "nothing left to send: everybody on the list ({rows}) was accepted earlier{when}\nto mail all of them again, begin anew with --fresh\n"
        );
    }
    format!(
        "nothing left to send: {} accepted earlier{when}, {} rejected, {} unknown\n",
        grouped(facts.plan.accepted),
        grouped(facts.plan.rejected),
        facts.plan.unknown.len(),
    )
}

/// What became of a request, for a row whose end could not be written down.
#[must_use]
pub fn unwritten(row: &Row, outcome: &Outcome, safe: &SafeText) -> String {
    format!(
        "{} (line {}) ended, and the journal does not know: {}",
        safe.shown(&row.email),
        row.line,
        words::fate(outcome)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_as_people_say_them() {
        for (count, text) in [
            (0, "0 rows"),
            (1, "1 row"),
            (999, "999 rows"),
            (1000, "1,000 rows"),
            (1_234_567, "1,234,567 rows"),
        ] {
            assert_eq!(counted(count, "row"), text);
        }
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (374, "6 min 14 s"),
            (3600, "1 h 0 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(time(Duration::from_secs(seconds)), text);
        }
    }
}
