//! The text for people about a list: its plan, a line for each row, progress, the summary.

use std::path::Path;
use std::time::Duration;

use super::escape::Redactor;
use super::exit::Exit;
use super::text::Style;
use super::text::{self, counted, duration, grouped};
use crate::api::answer::BodyContent;
use crate::api::operation::SEND_PASSWORD_EMAIL;
use crate::api::outcome::{AttemptResult, Outcome};
use crate::bulk::journal::{KnownElsewhere, KnownList, SINGLE_SENDS};
use crate::bulk::list::{List, Row};
use crate::bulk::plan::{OutcomeCounts, Plan};
use crate::bulk::results::Tally;
use crate::settings::bulk::{OnKnown, Rate, Shard};

/// How many rows of each kind are named in a plan.
const NAMED: usize = 10;
/// How many rows a plan shows as a sample.
const SAMPLE: usize = 3;

/// Everything that a plan shows.
#[derive(Debug)]
pub struct PlanFacts<'a> {
    pub tenant: Option<&'a str>,
    pub profile: Option<&'a str>,
    pub url: &'a str,
    pub cname: &'a str,
    pub name: &'a str,
    pub journal: &'a str,
    pub list: &'a List,
    /// How many people are on the list; with a shard, more than it has rows here.
    pub people: u64,
    pub plan: &'a Plan,
    /// The part of the list that this run sends.
    pub shard: Option<Shard>,
    /// How many journals of other divisions of the list were read.
    pub siblings: u64,
    /// That of all shards together.
    pub rate: Option<Rate>,
    pub jobs: usize,
    /// When the first and the last row were accepted, RFC 3339.
    pub accepted_at: Option<(String, String)>,
    /// Who is known from other lists, and what is done about it.
    pub elsewhere: &'a KnownElsewhere,
    pub on_known: Option<OnKnown>,
    /// Whether a new journal replaces an existing one, which is kept under another name.
    pub sets_aside: bool,
}

impl PlanFacts<'_> {
    /// How long the plan takes, if the rate is limited.
    pub fn time(&self) -> Option<Duration> {
        let own = self.rate.map(|rate| self.shard.map_or(rate, |shard| rate.shared_by(shard.count())));
        self.plan.time_at(own)
    }
}

pub fn plan(facts: &PlanFacts, style: Style, redactor: &Redactor) -> String {
    let mut lines = target(facts, redactor);
    lines.extend(earlier(facts));
    let unknown = unknown_rows(facts.list, facts.plan, redactor);
    lines.extend(unknown.into_iter().map(|row| ("", row)));
    if let Some(known) = known(facts, redactor) {
        let done = match facts.on_known {
            Some(OnKnown::Skip) => ": skipped",
            Some(OnKnown::Send) => ": mailed again",
            None => "; choose --known skip or --known send",
        };
        lines.push(("known", format!("{known}{done}")));
    }
    lines.push(("journal", journal(facts, redactor)));
    lines.push(("to send", to_send(facts)));
    let sample = sample(facts.list, facts.plan, redactor);
    if !sample.is_empty() {
        lines.push(("such as", sample.join(", ")));
    }
    let line = |(label, content): (&str, String)| format!("{} {content}\n", style.heading(&format!("{label:<9}")));
    lines.into_iter().map(line).collect()
}

/// Where it goes, and what list it is.
fn target(facts: &PlanFacts, redactor: &Redactor) -> Vec<(&'static str, String)> {
    let list = facts.list;
    let profile = facts.profile.map_or_else(String::new, |name| format!(" (profile {})", redactor.escape(name)));
    let own = if list.rows.iter().any(|row| row.cname.is_some()) { ", unless the row has its own" } else { "" };
    let mut lines = vec![
        ("tenant", format!("{}{profile}", facts.tenant.unwrap_or("-"))),
        ("url", facts.url.to_owned()),
        ("cname", format!("{}{own}", redactor.escape(facts.cname))),
        ("list", of_list(facts, redactor)),
    ];
    if let Some(shard) = facts.shard {
        let (own, all) = (grouped(list.rows.len() as u64), counted(facts.people, "row"));
        lines.push(("shard", format!("{shard}: {own} of {all}")));
    }
    if list.repeats > 0 {
        let rows = counted(list.repeats, "row");
        lines.push(("repeats", format!("{rows} dropped")));
    }
    if list.other_cname > 0 {
        let rows = counted(list.other_cname, "row");
        let verb = if list.other_cname == 1 { "has" } else { "have" };
        let text = format!("{rows} {verb} the address of another row but another cname: each is a separate mail");
        lines.push(("cnames", text));
    }
    lines
}

/// What earlier runs have left.
fn earlier(facts: &PlanFacts) -> Vec<(&'static str, String)> {
    let plan = facts.plan;
    let mut lines = Vec::new();
    let accepted = plan.accepted - plan.skipped.accepted;
    if accepted > 0 {
        let rows = counted(accepted, "row");
        let when = facts.accepted_at.as_ref();
        let when = when.map_or_else(String::new, |(_, last)| format!(", the last one at {last}"));
        lines.push(("accepted", format!("{rows} earlier{when}: skipped")));
    }
    if plan.rejected > 0 {
        let rows = counted(plan.rejected, "row");
        let text = format!("{rows} earlier: left alone (to send again: --retry-rejected)");
        lines.push(("rejected", text));
    }
    if !plan.unknown.is_empty() {
        let rows = counted(plan.unknown.len() as u64, "row");
        let text = format!(
            "{rows} may have been mailed: left alone (resolve with `vescli journal resolve`; --resend-unknown may mail twice)"
        );
        lines.push(("unknown", text));
    }
    lines
}

/// Who of those that would be mailed is known from other lists, if anyone is.
pub fn known(facts: &PlanFacts, redactor: &Redactor) -> Option<String> {
    let (plan, elsewhere) = (facts.plan, facts.elsewhere);
    let (accepted, unknown) = elsewhere.counts();
    if accepted + unknown == 0 {
        return None;
    }
    let of = grouped(plan.count() + plan.beyond_limit.total() + plan.skipped.total());
    let mut parts = Vec::new();
    for (count, word, is_in) in [
        (accepted, "accepted", (|list| list.accepted > 0) as fn(&KnownList) -> bool),
        (unknown, "unknown", |list| list.unknown > 0),
    ] {
        if count > 0 {
            let lists = elsewhere.lists.iter().filter(|list| is_in(list));
            let named: Vec<String> = lists.map(|list| known_list(list, redactor)).collect();
            parts.push(format!("{} {word} ({})", grouped(count), first_few(&named)));
        }
    }
    Some(format!(
        "{} of these {of} people {} known from other lists: {}",
        grouped(accepted + unknown),
        if accepted + unknown == 1 { "is" } else { "are" },
        parts.join(", ")
    ))
}

/// A part of a line that is left out when there is nothing to count.
fn if_any(count: u64, text: impl FnOnce(u64) -> String) -> String {
    if count == 0 { String::new() } else { text(count) }
}

fn bad_rows(list: &List) -> String {
    if_any(list.bad.len() as u64, |count| format!("; {} that cannot be used left out", counted(count, "row")))
}

/// The first of some texts, and how many more there are.
fn first_few(texts: &[String]) -> String {
    let more = if_any(texts.len().saturating_sub(SAMPLE) as u64, |more| format!(", and {more} more"));
    let first = &texts[..texts.len().min(SAMPLE)];
    first.join("; ") + &more
}

/// A list by its name and day. Without a name, the name of its journal has it.
fn known_list(known: &KnownList, redactor: &Redactor) -> String {
    let file_name = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let name = match known.list.as_deref() {
        // Of a month of them, the day says too little.
        Some(SINGLE_SENDS) => {
            let last = known.at.as_deref().map_or_else(String::new, |at| format!(", the last {at}"));
            return format!("single sends{last}");
        }
        Some("-") => "standard input".to_owned(),
        Some(list) => file_name(Path::new(list)),
        None => {
            let name = file_name(&known.journal);
            let list = name.rsplit_once('-').map(|(list, _)| list.to_owned());
            list.unwrap_or(name)
        }
    };
    let day = known.at.as_deref().and_then(|at| at.get(..10));
    match day {
        Some(day) => format!("{}, {day}", redactor.escape(&name)),
        None => redactor.escape(&name),
    }
}

fn of_list(facts: &PlanFacts, redactor: &Redactor) -> String {
    let list = facts.list;
    let ignored: Vec<String> = list.ignored_columns.iter().take(NAMED).map(|name| redactor.escape(name)).collect();
    let ignored = if_any(ignored.len() as u64, |_| format!("; ignored: {}", ignored.join(", ")));
    let bad = bad_rows(list);
    let name = if facts.name == "-" { "standard input".to_owned() } else { redactor.escape(facts.name) };
    let (format, rows) = (list.format.word(), counted(facts.people, "row"));
    format!("{name} ({format}), {rows}{bad}{ignored}")
}

fn journal(facts: &PlanFacts, redactor: &Redactor) -> String {
    let path = redactor.escape(facts.journal);
    let also = if_any(facts.siblings, |count| format!("; also read: {} of other shards", counted(count, "journal")));
    let new = if facts.sets_aside { ", new: people already mailed will be mailed again" } else { "" };
    format!("{path}{new}{also}")
}

fn to_send(facts: &PlanFacts) -> String {
    let plan = facts.plan;
    let left = |count| format!("; {} left for later by --limit", counted(count, "row"));
    let beyond = if_any(plan.beyond_limit.total(), left);
    let doubtful = plan.prior().unknown - plan.beyond_limit.unknown;
    let doubtful = if_any(doubtful, |count| format!("; {count} of them may have been mailed already"));
    let shared = if facts.shard.is_some() { " for all shards" } else { "" };
    let pace = match (facts.rate, facts.time()) {
        (Some(rate), Some(length)) => format!("at {rate}{shared}, about {}", duration(length)),
        _ => "without a limit on the rate".to_owned(),
    };
    let jobs = counted(facts.jobs as u64, "job");
    format!("{} {pace}, {jobs}{doubtful}{beyond}", counted(plan.count(), "row"))
}

/// The rows that are unknown and left alone, as far as they are named.
fn unknown_rows(list: &List, plan: &Plan, redactor: &Redactor) -> Vec<String> {
    let mut named: Vec<String> = plan
        .unknown
        .iter()
        .take(NAMED)
        .filter_map(|index| list.rows.get(*index as usize))
        .map(|row| format!("line {}: {}", row.line, redactor.escape(&row.email)))
        .collect();
    if let Some(rest) = plan.unknown.len().checked_sub(NAMED + 1) {
        named.push(format!("and {} more", rest + 1));
    }
    named
}

/// A few of the addresses that are going to be mailed.
pub fn sample(list: &List, plan: &Plan, redactor: &Redactor) -> Vec<String> {
    plan.tasks
        .iter()
        .take(SAMPLE)
        .filter_map(|task| list.rows.get(task.index as usize))
        .map(|row| redactor.escape(&row.email))
        .collect()
}

/// The name of a row: its address, and its cname where one address has several.
pub fn name(row: &Row, cname: Option<&str>, redactor: &Redactor) -> String {
    let cname = cname.map_or_else(String::new, |cname| format!(" (cname {})", redactor.escape(cname)));
    format!("{}{cname}", redactor.escape(&row.email))
}

/// The line of a row that has ended, with the name that it has.
pub fn row(name: &str, result: &AttemptResult, due: bool, style: Style, redactor: &Redactor) -> String {
    let word = format!("{:<8}", result.outcome.word());
    let word = match result.outcome {
        Outcome::Accepted => style.success(&word),
        Outcome::Rejected | Outcome::NotSent => style.error(&word),
        Outcome::Unknown => style.warning(&word),
    };
    let why = match result.outcome {
        Outcome::Accepted => String::new(),
        _ => format!("  {}", why(result, redactor)),
    };
    // That a row is not_sent already means that it is due.
    let due = if due && result.outcome == Outcome::Rejected { "; the next run sends it" } else { "" };
    format!("{word}  {name}{why}{due}\n")
}

/// Why a row was not accepted, in a phrase.
pub fn why(result: &AttemptResult, redactor: &Redactor) -> String {
    let title = Exit::from(result.class).row().title;
    let status = result.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let message = result.content.as_ref().and_then(BodyContent::message);
    let said = match (&result.content, message, &result.cause, &result.location) {
        (Some(BodyContent::Html), ..) => ": an HTML page, not the API".to_owned(),
        (_, _, _, Some(location)) => format!(": redirects to {}", redactor.escape(location)),
        (_, Some(message), ..) => format!(": \"{}\"", redactor.escape(message)),
        (_, None, Some(cause), _) => format!(": {}", redactor.escape(cause)),
        (_, None, None, None) => String::new(),
    };
    let waited = text::waited(result).map_or_else(String::new, |waited| format!("; {waited}"));
    format!("{title}{status}{said}{waited}")
}

/// The numbers of a run on the way, such as `118 accepted, 2 rejected`.
pub fn outcomes(outcomes: &OutcomeCounts) -> String {
    let shown = outcomes.each().into_iter().filter(|(outcome, count)| *count > 0 || *outcome == Outcome::Accepted);
    let parts: Vec<String> = shown.map(|(outcome, count)| format!("{} {}", grouped(count), outcome.word())).collect();
    parts.join(", ")
}

/// How many rows are due, where the outcomes alone do not show it.
pub fn due(count: u64) -> String {
    match count {
        1 => "; 1 due: the next run sends it".to_owned(),
        count => format!("; {} due: the next run sends them", grouped(count)),
    }
}

fn due_of(rows: &OutcomeCounts) -> String {
    if_any(rows.rejected_due, |_| due(rows.due()))
}

pub fn summary(facts: &PlanFacts, tally: &Tally, elapsed: Duration, style: Style) -> String {
    let plan = facts.plan;
    let list = tally.of_list(plan);
    let requests = counted(tally.requests, "request");
    let label = |text: &str| style.heading(text);
    let mut text = format!(
        "{} {}{} ({requests}, {})\n",
        label("this run:"),
        outcomes(&tally.ended),
        due_of(&tally.ended),
        duration(elapsed),
    );
    let left = |count| format!("; {} left for later by --limit", grouped(count));
    let beyond = if_any(plan.beyond_limit.total(), left);
    let bad = bad_rows(facts.list);
    if list != tally.ended || !bad.is_empty() {
        text.push_str(&format!(
            "{} {} of {}{}{beyond}{bad}\n",
            label("the list:"),
            outcomes(&list),
            counted(facts.list.rows.len() as u64, "row"),
            due_of(&list),
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
        // --fresh is refused where other journals of the list know people too.
        let again = match facts.siblings {
            0 => "start a new journal with --fresh",
            _ => "first move away all journals of this list (see `vescli journal list`)",
        };
        return format!(
            "nothing left to send: everybody on the list ({rows}) was accepted earlier{when}\nto mail all of them again, {again}\n"
        );
    }
    let skipped = |count| format!(" ({} of these on other lists)", grouped(count));
    let skipped = if_any(facts.plan.skipped.total(), skipped);
    format!(
        "nothing left to send: {} accepted earlier{when}, {} rejected, {} unknown{skipped}\n",
        grouped(facts.plan.accepted),
        grouped(facts.plan.rejected),
        facts.plan.unknown.len(),
    )
}

/// The outcome of a row that could not be written into the journal.
pub fn unrecorded(row: &Row, name: &str, result: &AttemptResult) -> String {
    format!(
        "{name} (line {}) ended, but its outcome is missing from the journal: {}",
        row.line,
        text::outcome(&SEND_PASSWORD_EMAIL, result)
    )
}
