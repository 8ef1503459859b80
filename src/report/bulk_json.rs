//! The JSON documents about a list: its plan, one for each row, the summary. The order of the fields is fixed, and fields
//! are only ever added.

use serde::Serialize;

use super::bulk_text::{PlanFacts, format_word, sample};
use super::escape::{Redactor, json_line};
use super::exit::Exit;
use super::json::{EndFields, ErrorDocument};
use super::{RequestInfo, SendResult};
use crate::api::outcome::Outcome;
use crate::bulk::list::Row;
use crate::bulk::plan::OutcomeCounts;
use crate::bulk::results::{RowEnd, Tally};
use crate::settings::bulk::OnKnown;

/// People known from other lists.
#[derive(Debug, Serialize)]
struct KnownDocument {
    accepted: u64,
    unknown: u64,
    choice: Option<&'static str>,
    lists: Vec<KnownListDocument>,
}

#[derive(Debug, Serialize)]
struct KnownListDocument {
    list: Option<String>,
    journal: String,
    at: Option<String>,
    accepted: u64,
    unknown: u64,
}

impl KnownDocument {
    fn new(facts: &PlanFacts) -> Self {
        let (accepted, unknown) = facts.elsewhere.counts();
        let lists = facts.elsewhere.lists.iter().map(|list| KnownListDocument {
            list: list.list.clone(),
            journal: list.journal.to_string_lossy().into_owned(),
            at: list.at.clone(),
            accepted: list.accepted,
            unknown: list.unknown,
        });
        Self { accepted, unknown, choice: facts.on_known.map(OnKnown::word), lists: lists.collect() }
    }
}

/// The plan of a list.
#[derive(Debug, Serialize)]
pub struct PlanDocument<'a> {
    schema: &'static str,
    ok: bool,
    outcome: &'static str,
    tenant: Option<&'a str>,
    url: &'a str,
    cname: &'a str,
    list: &'a str,
    format: &'static str,
    rows: u64,
    repeats: u64,
    invalid: u64,
    ignored_columns: &'a [String],
    journal: &'a str,
    accepted: u64,
    accepted_at: &'a Option<(String, String)>,
    rejected: u64,
    unknown: Vec<UnknownRow<'a>>,
    to_send: u64,
    beyond_limit: u64,
    rate: Option<String>,
    jobs: usize,
    seconds: Option<u64>,
    sample: Vec<String>,
    exit_code: u8,
    warnings: Vec<String>,
    known: KnownDocument,
    other_cname: u64,
    shard: Option<String>,
}

#[derive(Debug, Serialize)]
struct UnknownRow<'a> {
    row: u64,
    email: &'a str,
}

impl<'a> PlanDocument<'a> {
    pub fn new(facts: &'a PlanFacts, warnings: Vec<String>) -> Self {
        let (list, plan) = (facts.list, facts.plan);
        let unknown = plan.unknown.iter().filter_map(|index| list.rows.get(*index as usize));
        Self {
            schema: "vescli.plan/1",
            ok: true,
            outcome: Outcome::NotSent.word(),
            tenant: facts.tenant,
            url: facts.url,
            cname: facts.cname,
            list: facts.name,
            format: format_word(list.format),
            rows: list.rows.len() as u64,
            repeats: list.repeats,
            invalid: list.bad.len() as u64,
            ignored_columns: &list.ignored_columns,
            journal: facts.journal,
            accepted: plan.accepted,
            accepted_at: &facts.accepted_at,
            rejected: plan.rejected,
            unknown: unknown.map(|row| UnknownRow { row: row.line, email: &row.email }).collect(),
            to_send: plan.count(),
            beyond_limit: plan.beyond_limit.total(),
            rate: facts.rate.map(|rate| rate.to_string()),
            jobs: facts.jobs,
            seconds: facts.time().map(|time| time.as_secs()),
            sample: sample(list, plan, &Redactor::default()),
            exit_code: 0,
            warnings,
            known: KnownDocument::new(facts),
            other_cname: list.other_cname,
            shard: facts.shard.map(|shard| shard.to_string()),
        }
    }
}

#[derive(Debug, Serialize)]
struct RowDocument<'a> {
    schema: &'static str,
    ok: bool,
    outcome: &'static str,
    row: u64,
    email: &'a str,
    cname: &'a str,
    #[serde(flatten)]
    end: EndFields<'a>,
    due: bool,
}

/// The document of a row that has ended, as one line.
pub fn row(row: &Row, cname: &str, info: &RequestInfo, end: RowEnd, redactor: &Redactor) -> String {
    let RowEnd { due, unrecorded, .. } = end;
    let sent = SendResult { result: end.result, attempts: end.attempts, elapsed: end.elapsed };
    let warning = ["the end of this row could not be written into the journal".to_owned()];
    json_line(&RowDocument {
        schema: "vescli.row/1",
        ok: sent.result.outcome == Outcome::Accepted,
        outcome: sent.result.outcome.word(),
        row: row.line,
        email: &row.email,
        cname,
        end: EndFields::new(info, &sent, redactor, if unrecorded { &warning } else { &[] }),
        due,
    })
}

/// The end of a run.
#[derive(Debug, Serialize)]
pub struct SummaryDocument<'a> {
    schema: &'static str,
    ok: bool,
    rows: u64,
    #[serde(flatten)]
    list: OutcomeCounts,
    this_run: OutcomeCounts,
    requests: u64,
    repeats: u64,
    invalid: u64,
    pub elapsed_ms: u64,
    tenant: Option<&'a str>,
    url: &'a str,
    cname: &'a str,
    input: &'a str,
    journal: &'a str,
    pub signal: Option<i32>,
    pub go_on: Option<String>,
    pub exit_code: u8,
    pub error: Option<ErrorDocument>,
    warnings: Vec<String>,
    known: KnownDocument,
    due: u64,
    beyond_limit: u64,
    shard: Option<String>,
}

impl<'a> SummaryDocument<'a> {
    /// Of a run that ends with this exit. The caller fills in what the plan and the counts of a run do not show.
    pub fn new(facts: &PlanFacts<'a>, tally: &Tally, exit: Exit, warnings: Vec<String>) -> Self {
        let plan = facts.plan;
        Self {
            schema: "vescli.summary/1",
            ok: exit == Exit::Accepted,
            rows: facts.list.rows.len() as u64,
            list: tally.of_list(plan),
            this_run: tally.ended,
            requests: tally.requests,
            repeats: facts.list.repeats,
            invalid: facts.list.bad.len() as u64,
            elapsed_ms: 0,
            tenant: facts.tenant,
            url: facts.url,
            cname: facts.cname,
            input: facts.name,
            journal: facts.journal,
            signal: None,
            go_on: None,
            exit_code: exit.code(),
            error: None,
            warnings,
            known: KnownDocument::new(facts),
            due: tally.due_of_list(plan).total(),
            beyond_limit: plan.beyond_limit.total(),
            shard: facts.shard.map(|shard| shard.to_string()),
        }
    }
}
