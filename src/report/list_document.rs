//! The JSON documents of a list: the plan, one for each row, and the summary. The order of the fields is fixed, and
//! fields are only ever added.

use serde::Serialize;

use super::document::ErrorDocument;
use super::list_plan::{PlanFacts, format_word, sample};
use super::{SendResult, Subject};
use crate::api::outcome::Outcome;
use crate::bulk::event::RowEnd;
use crate::bulk::plan::Plan;
use crate::bulk::rows::Row;
use crate::bulk::tally::{Fates, Tally};
use crate::report::safe_text::SafeText;
use crate::settings::bulk::OnKnown;

/// Who is known from other lists.
#[derive(Debug, Serialize)]
pub struct KnownDocument {
    pub accepted: u64,
    pub unknown: u64,
    pub choice: Option<&'static str>,
    pub lists: Vec<KnownListDocument>,
}

/// A list that knows somebody.
#[derive(Debug, Serialize)]
pub struct KnownListDocument {
    pub list: Option<String>,
    pub journal: String,
    pub at: Option<String>,
    pub accepted: u64,
    pub unknown: u64,
}

impl KnownDocument {
    fn new(facts: &PlanFacts) -> Self {
        let (accepted, unknown) = facts.elsewhere.counts();
        let lists = facts.elsewhere.lists.iter();
        Self {
            accepted,
            unknown,
            choice: facts.on_known.map(OnKnown::word),
            lists: lists
                .map(|list| KnownListDocument {
                    list: list.list.clone(),
                    journal: list.journal.to_string_lossy().into_owned(),
                    at: list.at.clone(),
                    accepted: list.accepted,
                    unknown: list.unknown,
                })
                .collect(),
        }
    }
}

/// The plan of a list.
#[derive(Debug, Serialize)]
pub struct PlanDocument {
    pub schema: &'static str,
    pub ok: bool,
    pub outcome: &'static str,
    pub tenant: Option<String>,
    pub url: String,
    pub cname: String,
    pub list: String,
    pub format: &'static str,
    pub rows: u64,
    pub repeats: u64,
    pub invalid: u64,
    pub ignored_columns: Vec<String>,
    pub journal: String,
    pub accepted: u64,
    pub accepted_at: Option<(String, String)>,
    pub rejected: u64,
    pub unknown: Vec<UnknownRow>,
    pub to_send: u64,
    pub beyond_limit: u64,
    pub rate: Option<String>,
    pub jobs: usize,
    pub seconds: Option<u64>,
    pub sample: Vec<String>,
    pub exit_code: u8,
    pub warnings: Vec<String>,
    pub known: KnownDocument,
    pub other_cname: u64,
}

/// A row that is unknown and left alone.
#[derive(Debug, Serialize)]
pub struct UnknownRow {
    pub row: u64,
    pub email: String,
}

impl PlanDocument {
    /// The document of a plan.
    pub fn new(facts: &PlanFacts, warnings: Vec<String>) -> Self {
        let (list, plan) = (facts.list, facts.plan);
        let unknown = plan.unknown.iter().filter_map(|index| {
            list.rows.get(*index as usize).map(|row| UnknownRow { row: row.line, email: row.email.to_string() })
        });
        Self {
            schema: "vescli.plan/1",
            ok: true,
            outcome: Outcome::NotSent.word(),
            tenant: facts.tenant.map(str::to_owned),
            url: facts.url.to_owned(),
            cname: facts.cname.to_owned(),
            list: facts.name.to_owned(),
            format: format_word(list.format),
            rows: list.rows.len() as u64,
            repeats: list.repeats,
            invalid: list.bad.len() as u64,
            ignored_columns: list.ignored_columns.clone(),
            journal: facts.journal.to_owned(),
            accepted: plan.accepted,
            accepted_at: facts.accepted_at.clone(),
            rejected: plan.rejected,
            unknown: unknown.collect(),
            to_send: plan.count(),
            beyond_limit: plan.beyond_limit.total(),
            rate: facts.rate.map(|rate| rate.to_string()),
            jobs: facts.jobs,
            seconds: plan.time_at(facts.rate).map(|time| time.as_secs()),
            sample: sample(list, plan, &SafeText::default()),
            exit_code: 0,
            warnings,
            known: KnownDocument::new(facts),
            other_cname: list.other_cname,
        }
    }
}

/// A row that has ended.
#[derive(Debug, Serialize)]
pub struct RowDocument {
    pub schema: &'static str,
    pub ok: bool,
    pub outcome: &'static str,
    pub row: u64,
    pub email: String,
    pub cname: String,
    pub status: Option<u16>,
    pub attempts: u64,
    pub elapsed_ms: u64,
    pub exit_code: u8,
    pub error: Option<ErrorDocument>,
    pub warnings: Vec<String>,
    pub due: bool,
}

impl RowDocument {
    /// The document of a row.
    pub fn new(row: &Row, cname: &str, subject: &Subject, end: RowEnd, safe: &SafeText) -> Self {
        let due = end.due;
        let sent = SendResult { result: end.result, attempts: end.attempts, elapsed: end.elapsed };
        let ok = sent.result.outcome == Outcome::Accepted;
        let mut warnings = Vec::new();
        if end.unwritten {
            warnings.push("the end of this row could not be written into the journal".to_owned());
        }
        Self {
            schema: "vescli.row/1",
            ok,
            outcome: sent.result.outcome.word(),
            row: row.line,
            email: row.email.to_string(),
            cname: cname.to_owned(),
            status: sent.result.status,
            attempts: sent.attempts,
            elapsed_ms: u64::try_from(sent.elapsed.as_millis()).unwrap_or(u64::MAX),
            exit_code: sent.exit().code(),
            error: (!ok).then(|| ErrorDocument::of_sent(subject, &sent, safe)),
            warnings,
            due,
        }
    }
}

/// The end of a run.
#[derive(Debug, Serialize)]
pub struct SummaryDocument {
    pub schema: &'static str,
    pub ok: bool,
    pub rows: u64,
    #[serde(flatten)]
    pub list: Fates,
    pub this_run: Fates,
    pub requests: u64,
    pub repeats: u64,
    pub invalid: u64,
    pub elapsed_ms: u64,
    pub tenant: Option<String>,
    pub url: String,
    pub cname: String,
    pub input: String,
    pub journal: String,
    pub signal: Option<i32>,
    pub go_on: Option<String>,
    pub exit_code: u8,
    pub error: Option<ErrorDocument>,
    pub warnings: Vec<String>,
    pub known: KnownDocument,
    pub due: u64,
    pub beyond_limit: u64,
}

impl SummaryDocument {
    /// The document of a run, as far as its plan and its numbers tell it.
    pub fn new(facts: &PlanFacts, plan: &Plan, tally: &Tally, warnings: Vec<String>) -> Self {
        Self {
            schema: "vescli.summary/1",
            ok: true,
            rows: facts.list.rows.len() as u64,
            list: tally.of_list(plan),
            this_run: tally.ended,
            requests: tally.requests,
            repeats: facts.list.repeats,
            invalid: facts.list.bad.len() as u64,
            elapsed_ms: 0,
            tenant: facts.tenant.map(str::to_owned),
            url: facts.url.to_owned(),
            cname: facts.cname.to_owned(),
            input: facts.name.to_owned(),
            journal: facts.journal.to_owned(),
            signal: None,
            go_on: None,
            exit_code: 0,
            error: None,
            warnings,
            known: KnownDocument::new(facts),
            due: tally.due_of_list(plan).total(),
            beyond_limit: plan.beyond_limit.total(),
        }
    }
}
