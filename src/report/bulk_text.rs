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
use crate::settings::Settings;
use crate::settings::bulk::{BulkSettings, OnKnown};
use crate::settings::error::ConfigState;

/// How many rows of each kind a plan names.
const NAMED: usize = 10;
/// How many rows a plan shows as a sample.
const SAMPLE: usize = 3;

/// Everything that a plan shows.
#[derive(Debug)]
pub struct PlanFacts<'a> {
    pub settings: &'a Settings,
    pub bulk: &'a BulkSettings,
    pub url: &'a str,
    pub cname: &'a str,
    pub name: &'a str,
    pub journal: &'a str,
    pub list: &'a List,
    /// How many people are on the list, those of all shards together.
    pub people: u64,
    pub plan: &'a Plan,
    /// How many other journals of the list were read, such as those of another division into shards.
    pub siblings: u64,
    /// When the first and the last row were accepted, RFC 3339.
    pub accepted_at: Option<(String, String)>,
    /// Who is known from other lists.
    pub elsewhere: &'a KnownElsewhere,
    /// Whether a new journal replaces an existing one, which is kept under another name.
    pub sets_aside: bool,
}

impl PlanFacts<'_> {
    /// How long the plan takes, if the rate is limited.
    pub fn time(&self) -> Option<Duration> {
        let BulkSettings { rate, shard, .. } = self.bulk;
        let own = rate.map(|rate| shard.map_or(rate, |shard| rate.shared_by(shard.count())));
        self.plan.time_at(own)
    }
}

pub fn plan(facts: &PlanFacts, style: Style, redactor: &Redactor) -> String {
    let (list, plan) = (facts.list, facts.plan);
    let mut text = String::new();
    let mut add = |label: &str, content: Option<String>| {
        text.extend(content.map(|content| format!("{} {content}\n", style.heading(&format!("{label:<9}")))));
    };
    let rows = |count: u64| (count > 0).then(|| counted(count, "row"));
    let profile = match &facts.settings.config {
        ConfigState::Profile(_, name) => format!(" (profile {})", redactor.escape(name)),
        ConfigState::None | ConfigState::Absent(_) | ConfigState::Unchosen(..) => String::new(),
    };
    add("tenant", Some(format!("{}{profile}", facts.settings.tenant.as_deref().unwrap_or("-"))));
    add("url", Some(facts.url.to_owned()));
    let own = if list.rows.iter().any(|row| row.cname.is_some()) { ", unless the row has its own" } else { "" };
    add("cname", Some(format!("{}{own}", redactor.escape(facts.cname))));
    add("list", Some(of_list(facts, redactor)));
    let own = grouped(list.rows.len() as u64);
    add("shard", facts.bulk.shard.map(|shard| format!("{shard}: {own} of {}", counted(facts.people, "row"))));
    add("repeats", rows(list.repeats).map(|rows| format!("{rows} dropped")));
    let have = if list.other_cname == 1 { "has" } else { "have" };
    let each = "the address of another row but another cname: each is a separate mail";
    add("cnames", rows(list.other_cname).map(|rows| format!("{rows} {have} {each}")));
    let when = facts.accepted_at.as_ref().map_or_else(String::new, |(_, last)| format!(", the last one at {last}"));
    add(
        "accepted",
        rows(plan.left_alone.accepted - plan.skipped.accepted).map(|rows| format!("{rows} earlier{when}: skipped")),
    );
    let again = "left alone (to send again: --retry-rejected)";
    add("rejected", rows(plan.left_alone.rejected).map(|rows| format!("{rows} earlier: {again}")));
    let resolve = "left alone (resolve with `vescli journal resolve`; --resend-unknown may mail twice)";
    add("unknown", rows(plan.left_alone.unknown).map(|rows| format!("{rows} may have been mailed: {resolve}")));
    for row in unknown_rows(list, plan, redactor) {
        add("", Some(row));
    }
    let choice = match facts.bulk.known {
        Some(OnKnown::Skip) => ": skipped",
        Some(OnKnown::Send) => ": mailed again",
        None => "; choose --known skip or --known send",
    };
    add("known", known(facts, redactor).map(|known| format!("{known}{choice}")));
    add("journal", Some(journal(facts, redactor)));
    add("to send", Some(to_send(facts)));
    let sample = sample(list, plan, redactor);
    add("such as", Some(sample.join(", ")).filter(|_| !sample.is_empty()));
    text
}

/// Which of the people to mail are known from other lists, if any.
pub fn known(facts: &PlanFacts, redactor: &Redactor) -> Option<String> {
    let (plan, elsewhere) = (facts.plan, facts.elsewhere);
    let (accepted, unknown) = elsewhere.counts();
    let count = accepted + unknown;
    let part = |count: u64, outcome: &str, of_list: fn(&KnownList) -> u64| {
        let lists = elsewhere.lists.iter().filter(|list| of_list(list) > 0);
        let named: Vec<String> = lists.map(|list| known_list(list, redactor)).collect();
        (count > 0).then(|| format!("{} {outcome} ({})", grouped(count), first_few(&named)))
    };
    let parts = [part(accepted, "accepted", |list| list.accepted), part(unknown, "unknown", |list| list.unknown)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let are = if count == 1 { "is" } else { "are" };
    let of = grouped(plan.count() + plan.beyond_limit.total() + plan.skipped.total());
    let parts = parts.join(", ");
    (count > 0).then(|| format!("{} of these {of} people {are} known from other lists: {parts}", grouped(count)))
}

/// A part of a line; empty if the count is 0.
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

/// The name and the day of a list. A list without a name gets that of its journal.
fn known_list(known: &KnownList, redactor: &Redactor) -> String {
    let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = match known.list.as_deref() {
        // This journal is for a whole month, so no day.
        Some(SINGLE_SENDS) => {
            let last = known.at.as_ref().map_or_else(String::new, |at| format!(", the last {at}"));
            return format!("single sends{last}");
        }
        Some("-") => "standard input".to_owned(),
        Some(list) => file_name(Path::new(list)),
        None => {
            let name = file_name(&known.journal);
            name.rsplit_once('-').map_or_else(|| name.clone(), |(list, _)| list.to_owned())
        }
    };
    let day = known.at.as_deref().and_then(|at| at.get(..10));
    redactor.escape(&name) + &day.map_or_else(String::new, |day| format!(", {day}"))
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
    let shared = if facts.bulk.shard.is_some() { " for all shards" } else { "" };
    let pace = match (facts.bulk.rate, facts.time()) {
        (Some(rate), Some(length)) => format!("at {rate}{shared}, about {}", duration(length)),
        _ => "without a limit on the rate".to_owned(),
    };
    let jobs = counted(facts.bulk.jobs as u64, "job");
    format!("{} {pace}, {jobs}{doubtful}{beyond}", counted(plan.count(), "row"))
}

/// The unknown rows that are not sent, as far as the plan names them.
fn unknown_rows(list: &List, plan: &Plan, redactor: &Redactor) -> Vec<String> {
    let rows = plan.unknown.iter().take(NAMED).filter_map(|index| list.rows.get(*index as usize));
    let named = rows.map(|row| format!("line {}: {}", row.line, redactor.escape(&row.email)));
    let rest = plan.unknown.len().checked_sub(NAMED + 1).map(|rest| format!("and {} more", rest + 1));
    named.chain(rest).collect()
}

/// A few of the addresses that will be mailed.
pub fn sample(list: &List, plan: &Plan, redactor: &Redactor) -> Vec<String> {
    let rows = plan.tasks.iter().take(SAMPLE).filter_map(|task| list.rows.get(task.index as usize));
    rows.map(|row| redactor.escape(&row.email)).collect()
}

/// The name of a row: its address, and its cname if the address is on the list with several.
pub fn name(row: &Row, cname: Option<&str>, redactor: &Redactor) -> String {
    let cname = cname.map_or_else(String::new, |cname| format!(" (cname {})", redactor.escape(cname)));
    format!("{}{cname}", redactor.escape(&row.email))
}

/// The line of a row that has ended.
pub fn row(name: &str, result: &AttemptResult, due: bool, style: Style, redactor: &Redactor) -> String {
    let word = format!("{:<8}", result.outcome.word());
    let word = match result.outcome {
        Outcome::Accepted => return format!("{}  {name}\n", style.success(&word)),
        Outcome::Rejected | Outcome::NotSent => style.error(&word),
        Outcome::Unknown => style.warning(&word),
    };
    // A not_sent row is always due, so the line does not say it.
    let due = if due && result.outcome == Outcome::Rejected { "; the next run sends it" } else { "" };
    format!("{word}  {name}  {}{due}\n", why(result, redactor))
}

/// A phrase that says why a row was not accepted.
pub fn why(result: &AttemptResult, redactor: &Redactor) -> String {
    let title = Exit::from(result.class).entry().title;
    let status = result.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    let message = result.content.as_ref().and_then(BodyContent::message);
    let said = if result.content == Some(BodyContent::Html) {
        ": an HTML page, not the API".to_owned()
    } else if let Some(location) = &result.location {
        format!(": redirects to {}", redactor.escape(location))
    } else if let Some(message) = message {
        format!(": \"{}\"", redactor.escape(message))
    } else {
        result.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", redactor.escape(cause)))
    };
    format!("{title}{status}{said}{}", text::waited(result, "; "))
}

/// The outcomes so far, such as `118 accepted, 2 rejected`.
pub fn outcomes(outcomes: &OutcomeCounts) -> String {
    let shown = outcomes.each().into_iter().filter(|(outcome, count)| *count > 0 || *outcome == Outcome::Accepted);
    let parts: Vec<String> = shown.map(|(outcome, count)| format!("{} {}", grouped(count), outcome.word())).collect();
    parts.join(", ")
}

/// How many rows are due, in addition to the outcomes.
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
    let list = tally.of_list(facts.plan);
    let (requests, elapsed) = (counted(tally.requests, "request"), duration(elapsed));
    let (run, due) = (outcomes(&tally.ended), due_of(&tally.ended));
    let mut text = format!("{} {run}{due} ({requests}, {elapsed})\n", style.heading("this run:"));
    let bad = bad_rows(facts.list);
    if list != tally.ended || !bad.is_empty() {
        let left = |count| format!("; {} left for later by --limit", grouped(count));
        let beyond = if_any(facts.plan.beyond_limit.total(), left);
        let rows = counted(facts.list.rows.len() as u64, "row");
        let (all, due) = (outcomes(&list), due_of(&list));
        text.push_str(&format!("{} {all} of {rows}{due}{beyond}{bad}\n", style.heading("the list:")));
    }
    text
}

/// The sentence for a list without rows to send.
pub fn nothing_left(facts: &PlanFacts) -> String {
    let when = facts.accepted_at.as_ref().map_or_else(String::new, |(first, last)| {
        if first == last { format!(", at {first}") } else { format!(", between {first} and {last}") }
    });
    let all = facts.list.rows.len() as u64;
    if facts.plan.left_alone.accepted == all && facts.plan.skipped.total() == 0 {
        let rows = counted(all, "row");
        // --fresh is refused if other journals of the list also contain people.
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
        grouped(facts.plan.left_alone.accepted),
        grouped(facts.plan.left_alone.rejected),
        facts.plan.left_alone.unknown,
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
