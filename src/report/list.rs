//! Tells of a run in words: a line for each row, its numbers, the summary.

use std::time::Duration;

use super::list_plan::PlanFacts;
use super::words;
use crate::api::answer::ServerSays;
use crate::api::outcome::{AttemptResult, Outcome};
use crate::bulk::rows::Row;
use crate::bulk::tally::{Due, Fates, Tally};
use crate::report::exit::Exit;
use crate::report::safe_text::SafeText;
use crate::report::streams::Paint;

/// A number with the noun that it counts.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with commas between its thousands.
pub fn grouped(count: u64) -> String {
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
pub fn time(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The name of a row: its address, and its cname where one address has several.
pub fn name(row: &Row, cname: Option<&str>, safe: &SafeText) -> String {
    let cname = cname.map_or_else(String::new, |cname| format!(" (cname {})", safe.shown(cname)));
    format!("{}{cname}", safe.shown(&row.email))
}

/// The line of a row that has ended, with the name that it has.
pub fn row(name: &str, result: &AttemptResult, due: bool, paint: Paint, safe: &SafeText) -> String {
    let word = format!("{:<8}", result.outcome.word());
    let word = match result.outcome {
        Outcome::Accepted => paint.good(&word),
        Outcome::Rejected | Outcome::NotSent => paint.bad(&word),
        Outcome::Unknown => paint.warn(&word),
    };
    let why = match result.outcome {
        Outcome::Accepted => String::new(),
        _ => format!("  {}", why(result, safe)),
    };
    // A row that was not sent is due by its very name.
    let due = if due && result.outcome == Outcome::Rejected { "; the next run sends it" } else { "" };
    format!("{word}  {name}{why}{due}\n")
}

/// Why a row was not accepted, in a phrase.
pub fn why(result: &AttemptResult, safe: &SafeText) -> String {
    let title = Exit::from(result.class).row().title;
    let status = result.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let message = result.says.as_ref().and_then(ServerSays::message);
    let said = match (&result.says, message, &result.cause, &result.location) {
        (Some(ServerSays::Html), ..) => ": an HTML page, not the API".to_owned(),
        (_, _, _, Some(location)) => format!(": points to {}", safe.shown(location)),
        (_, Some(message), ..) => format!(": \"{}\"", safe.shown(message)),
        (_, None, Some(cause), _) => format!(": {}", safe.shown(cause)),
        (_, None, None, None) => String::new(),
    };
    format!("{title}{status}{said}")
}

/// The numbers of a run on the way, such as `118 accepted, 2 rejected`.
pub fn outcomes(outcomes: &Fates) -> String {
    let parts = [
        (outcomes.accepted, Outcome::Accepted),
        (outcomes.rejected, Outcome::Rejected),
        (outcomes.not_sent, Outcome::NotSent),
        (outcomes.unknown, Outcome::Unknown),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, outcome)| *count > 0 || *outcome == Outcome::Accepted)
        .map(|(count, outcome)| format!("{} {}", grouped(*count), outcome.word()))
        .collect();
    parts.join(", ")
}

/// How many rows are due, where the outcomes alone do not tell it.
pub fn due(count: u64) -> String {
    match count {
        1 => "; 1 due: the next run sends it".to_owned(),
        count => format!("; {} due: the next run sends them", grouped(count)),
    }
}

/// The same for a run or a list.
fn due_of(due_rows: Due) -> String {
    match due_rows.rejected {
        0 => String::new(),
        _ => due(due_rows.total()),
    }
}

/// The summary at the end.
pub fn summary(facts: &PlanFacts, tally: &Tally, elapsed: Duration, paint: Paint) -> String {
    let plan = facts.plan;
    let list = tally.of_list(plan);
    let requests = counted(tally.requests, "request");
    let label = |text: &str| paint.strong(text);
    let mut text = format!(
        "{} {}{} ({requests}, {})\n",
        label("this run:"),
        outcomes(&tally.ended),
        due_of(tally.due),
        time(elapsed),
    );
    let beyond = match plan.beyond_limit.total() {
        0 => String::new(),
        count => format!("; {} left for later by --limit", grouped(count)),
    };
    let bad = match facts.list.bad.len() as u64 {
        0 => String::new(),
        count => format!("; {} that cannot be used left out", counted(count, "row")),
    };
    if list != tally.ended || !bad.is_empty() {
        text.push_str(&format!(
            "{} {} of {}{}{beyond}{bad}\n",
            label("the list:"),
            outcomes(&list),
            counted(facts.list.rows.len() as u64, "row"),
            due_of(tally.due_of_list(plan)),
        ));
    }
    text
}

/// The sentence for a list of which nothing is left to send.
pub fn nothing_left(facts: &PlanFacts) -> String {
    let when = facts.accepted_at.as_ref().map_or_else(String::new, |(first, last)| {
        if first == last { format!(", at {first}") } else { format!(", between {first} and {last}") }
    });
    let all = facts.list.rows.len() as u64;
    if facts.plan.accepted == all && facts.plan.skipped.total() == 0 {
        let rows = counted(all, "row");
        return format!(
            "nothing left to send: everybody on the list ({rows}) was accepted earlier{when}\nto mail all of them again, start a new journal with --fresh\n"
        );
    }
    let skipped = match facts.plan.skipped.total() {
        0 => String::new(),
        count => format!(" ({} of these on other lists)", grouped(count)),
    };
    format!(
        "nothing left to send: {} accepted earlier{when}, {} rejected, {} unknown{skipped}\n",
        grouped(facts.plan.accepted),
        grouped(facts.plan.rejected),
        facts.plan.unknown.len(),
    )
}

/// What became of a request, for a row whose end could not be written down.
pub fn unwritten(row: &Row, name: &str, result: &AttemptResult) -> String {
    format!("{name} (line {}) ended, and the journal does not know: {}", row.line, words::outcome(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_as_people_say_them() {
        for (count, text) in
            [(0, "0 rows"), (1, "1 row"), (999, "999 rows"), (1000, "1,000 rows"), (1_234_567, "1,234,567 rows")]
        {
            assert_eq!(counted(count, "row"), text);
        }
        for (seconds, text) in [(0, "0 s"), (59, "59 s"), (374, "6 min 14 s"), (3600, "1 h 0 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(time(Duration::from_secs(seconds)), text);
        }
    }
}
