//! The files of `bulk --junit` and `--metrics`. The first is for CI systems: a case for each row of the list, written by hand
//! because it takes only a few elements. The second has counts in Prometheus' text format, for the textfile collector of
//! `node_exporter`.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use super::bulk_text::PlanFacts;
use super::escape::escape_uncut;
use super::exit::Exit;
use crate::api::operation::is_invisible;
use crate::api::outcome::{Class, Outcome};
use crate::bulk::plan::{Decision, Plan, Prior};
use crate::bulk::results::{RowEnd, Tally};
use crate::settings::clock::{since_epoch, writable};

/// What happened to a row. Small: there may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    /// It was not sent in this run, or not yet.
    Decided(Decision),
    Ended(Outcome, Class),
}

/// What happened to each row, in the order of the list.
#[derive(Debug)]
pub struct Cases(Vec<Case>);

impl Cases {
    pub fn new(plan: &Plan) -> Self {
        Self(plan.decisions.iter().map(|decision| Case::Decided(*decision)).collect())
    }

    pub fn end(&mut self, end: &RowEnd) {
        if let Some(case) = self.0.get_mut(end.index as usize) {
            *case = Case::Ended(end.outcome(), end.result.class);
        }
    }

    fn count(&self, wanted: &str) -> usize {
        self.0.iter().filter(|case| case.result().is_some_and(|(element, ..)| element == wanted)).count()
    }

    pub fn write(
        &self,
        facts: &PlanFacts,
        started: SystemTime,
        elapsed: Duration,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let list = facts.list;
        let [skipped, failures, errors] = ["skipped", "failure", "error"].map(|element| self.count(element));
        let numbers = format!(
            "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{}\" time=\"{:.3}\"",
            self.0.len() + list.bad.len(),
            skipped + list.bad.len(),
            elapsed.as_secs_f64(),
        );
        // The schema of the format has times without a zone.
        let at = humantime::format_rfc3339_seconds(writable(started)).to_string();
        let at = at.trim_end_matches('Z');
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"vescli bulk\" {numbers}>")?;
        writeln!(out, "<testsuite name=\"{}\" {numbers} timestamp=\"{at}\">", xml(facts.name))?;
        if let Some(shard) = facts.bulk.shard {
            writeln!(out, "<properties><property name=\"shard\" value=\"{shard}\"/></properties>")?;
        }
        let class = xml(facts.settings.tenant.as_deref().unwrap_or(facts.url));
        for (row, case) in list.rows.iter().zip(&self.0) {
            // The name is the exact address, without a line number, so that a CI system recognises the case of the last run.
            write!(out, "<testcase classname=\"{class}\" name=\"{}", xml(&row.email))?;
            if list.other_cname > 0 {
                write!(out, " (cname {})", xml(row.cname.as_deref().unwrap_or(facts.cname)))?;
            }
            match case.result() {
                None => writeln!(out, "\"/>")?,
                Some((element, class, message)) => {
                    writeln!(out, "\"><{element} type=\"{class}\" message=\"{class}: {message}\"/></testcase>")?;
                }
            }
        }
        for bad in &list.bad {
            let (line, reason) = (bad.line, xml(&bad.reason));
            write!(out, "<testcase classname=\"{class}\" name=\"line {line}\">")?;
            writeln!(out, "<skipped type=\"invalid\" message=\"invalid: {reason}\"/></testcase>")?;
        }
        writeln!(out, "</testsuite>\n</testsuites>")
    }
}

impl Case {
    /// The element, its type and its message; None for a row that this run mailed. The numbers of errors and failures are those
    /// of unknown and failed rows in the summary, so that report and exit code agree.
    fn result(self) -> Option<(&'static str, &'static str, &'static str)> {
        let (outcome, message) = match self {
            Self::Ended(outcome, class) => (outcome, Exit::from(class).entry().title),
            Self::Decided(Decision::Send(Prior::NotSent)) => (Outcome::NotSent, "the run ended before this row"),
            Self::Decided(Decision::Send(prior)) => {
                (prior.outcome(), "in an earlier run; this one ended before this row")
            }
            Self::Decided(Decision::BeyondLimit(Prior::Unknown)) => {
                (Outcome::Unknown, "in an earlier run; left for a later run by --limit")
            }
            Self::Decided(Decision::BeyondLimit(prior)) => (prior.outcome(), "left for a later run by --limit"),
            Self::Decided(Decision::Leave(outcome)) => (outcome, "in an earlier run"),
            Self::Decided(Decision::LeaveKnown(outcome)) => (outcome, "in a run of another list"),
        };
        let element = match (self, outcome) {
            (Self::Ended(..), Outcome::Accepted) => return None,
            // An unknown row stays unknown, even if --limit left it for later.
            (_, Outcome::Unknown) => "error",
            (Self::Decided(Decision::BeyondLimit(_)), _) | (_, Outcome::Accepted) => "skipped",
            (_, Outcome::Rejected | Outcome::NotSent) => "failure",
        };
        Some((element, outcome.word(), message))
    }
}

/// Foreign text within an attribute. Characters that XML 1.0 forbids, or that could control a terminal, become visible
/// escapes.
fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(c.escape_unicode()),
            c if is_invisible(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The metrics of a run that has ended. Each sample names tenant, list and shard: if two files have the same sample,
/// `node_exporter` refuses both.
pub fn metrics(facts: &PlanFacts, tally: &Tally, [started, ended]: [SystemTime; 2], exit_code: u8) -> String {
    let list = tally.of_list(facts.plan);
    let shard = facts.bulk.shard.map(|shard| format!(",shard=\"{shard}\"")).unwrap_or_default();
    let (tenant, name) = (label(facts.settings.tenant.as_deref().unwrap_or_default()), label(facts.name));
    let labels = format!("tenant=\"{tenant}\",list=\"{name}\"{shard}");
    let mut text = String::from(
        "# HELP vescli_rows Rows of the list by outcome, earlier runs included.\n# TYPE vescli_rows gauge\n",
    );
    for (outcome, count) in list.each() {
        let outcome = outcome.word();
        text.push_str(&format!("vescli_rows{{{labels},outcome=\"{outcome}\"}} {count}\n"));
    }
    let seconds = |time| format!("{:.3}", since_epoch(time).as_secs_f64());
    for (name, help, value) in [
        ("start_timestamp_seconds", "When the last run began, in seconds since 1970.", seconds(started)),
        ("end_timestamp_seconds", "When the last run ended, in seconds since 1970.", seconds(ended)),
        (
            "exit_code",
            "Exit code of the last run; 128 and the number of a signal that ended it.",
            exit_code.to_string(),
        ),
    ] {
        let name = format!("vescli_last_run_{name}");
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{{labels}}} {value}\n"));
    }
    text
}

/// Foreign text as the value of a label.
fn label(text: &str) -> String {
    // `escape_uncut` has already escaped line breaks.
    escape_uncut(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::results::{Stop, Tally, Verdict};

    #[test]
    fn no_character_breaks_an_attribute() {
        for c in '\0'..=char::MAX {
            let text = xml(c.encode_utf8(&mut [0; 4]));
            for (at, c) in text.char_indices() {
                // `Char` of XML 1.0, without the white space that a parser replaces by spaces.
                let allowed = matches!(c, '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
                assert!(allowed && !matches!(c, '<' | '"'), "{text:?}");
                let references = ["&amp;", "&lt;", "&gt;", "&quot;"];
                assert!(c != '&' || references.iter().any(|reference| text[at..].starts_with(reference)), "{text:?}");
            }
        }
        assert_eq!(xml("a&b<\u{1}>\"\u{ffff}ß"), "a&amp;b&lt;\\u{1}&gt;&quot;\\u{ffff}ß");
    }

    /// Every plan of two rows, with every possible end of those that are sent.
    #[test]
    fn errors_and_failures_are_those_of_the_summary() {
        let priors = [Prior::NotSent, Prior::Rejected, Prior::Due, Prior::Unknown];
        let outcomes = [Outcome::Accepted, Outcome::Rejected, Outcome::NotSent, Outcome::Unknown];
        let mut cases = Vec::new();
        for prior in priors {
            cases.push((Decision::Send(prior), None));
            cases.push((Decision::BeyondLimit(prior), None));
            cases.extend(outcomes.map(|outcome| (Decision::Send(prior), Some(outcome))));
        }
        for outcome in [Outcome::Accepted, Outcome::Rejected, Outcome::Unknown] {
            cases.push((Decision::Leave(outcome), None));
            cases.push((Decision::LeaveKnown(outcome), None));
        }
        for (first, second) in cases.iter().flat_map(|first| cases.iter().map(move |second| (first, second))) {
            let mut plan = Plan::default();
            for (index, (decision, _)) in (0..).zip([first, second]) {
                plan.add(index, *decision);
            }
            let (mut tally, mut report) = (Tally::default(), Cases::new(&plan));
            for (index, (decision, outcome)) in (0..).zip([first, second]) {
                if let (Decision::Send(prior), Some(outcome)) = (decision, outcome) {
                    tally.ended.add(*outcome);
                    tally.prior.add_prior(*prior);
                    report.0[index] = Case::Ended(*outcome, Class::NotFound);
                }
            }
            let [errors, failures] = ["error", "failure"].map(|element| report.count(element));
            let expected = match (errors, failures) {
                (0, 0) => Verdict::Accepted,
                (0, _) => Verdict::Failed,
                _ => Verdict::Unknown,
            };
            assert_eq!(tally.verdict(&plan, None::<&Stop>), expected, "{first:?} {second:?}");
        }
    }

    #[test]
    fn no_text_ends_a_label() {
        assert_eq!(label("a\\\"b\nc\u{1}ß"), "a\\\\\\\"b\\\\nc\\\\u{1}ß");
    }
}
