//! `vescli journal resolve`: records what an operator found out about rows that were unknown. Sends nothing.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use crate::args::settings_table::Setting;
use crate::bulk::journal::{
    IntentDetails, Journal, Recovered, Resolution, RowKey, RowState, ever_accepted, find_intents, fold_name,
};
use crate::commands::Context;
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::escape::{escape_uncut, quote, success};

/// What was typed: flags and variables only, because an address in a configuration file is for sending.
pub(super) struct Request {
    who: Who,
    cname: Option<String>,
    settled: Resolution,
}

enum Who {
    Emails(Vec<String>),
    AllUnknown,
}

impl Request {
    pub(super) fn new(emails: &[String], context: &Context) -> Result<Self, CommandError> {
        let usage = |message: &str, hint: &str| Err(CommandError::usage(message, hint));
        let given = context.given()?;
        // What was typed wins over variables.
        let all_unknown =
            context.flags.is_on(Setting::AllUnknown) || emails.is_empty() && given.is_on(Setting::AllUnknown);
        let emails = match (emails, given.text(Setting::Email)) {
            ([], Some(email)) if !all_unknown => vec![email],
            (emails, _) => emails.to_vec(),
        };
        let who = match (emails.is_empty(), all_unknown) {
            (false, false) => Who::Emails(emails),
            (true, true) => Who::AllUnknown,
            (false, true) => {
                return usage(
                    "--email and --all-unknown exclude each other",
                    "name the addresses, or take every row that is unknown",
                );
            }
            (true, false) => {
                return usage(
                    "--email is missing",
                    "name the addresses, or take --all-unknown; `vescli journal show` lists them",
                );
            }
        };
        let settled = match (given.text(Setting::As).as_deref(), given.is_on(Setting::Undo)) {
            (None, true) => Resolution::Unknown,
            (Some("accepted"), false) => Resolution::Accepted,
            (Some(_), false) => Resolution::NotSent,
            (Some(_), true) => {
                return usage(
                    "--as and --undo exclude each other",
                    "take the decision back with --undo first, then resolve the row again",
                );
            }
            (None, false) => {
                return usage(
                    "--as is missing",
                    "use --as accepted if the people were mailed, --as not-sent if no one was",
                );
            }
        };
        if matches!((&who, settled), (Who::AllUnknown, Resolution::Unknown)) {
            return usage("--undo needs addresses", "name each row whose decision is to be taken back with --email");
        }
        Ok(Self { who, cname: given.text(Setting::Cname), settled })
    }

    fn is_meant(&self, intent: &IntentDetails) -> bool {
        let cname = self.cname.as_deref();
        let is_named = match &self.who {
            Who::Emails(emails) => emails.iter().any(|email| is_same(email, &intent.email)),
            Who::AllUnknown => true,
        };
        is_named && cname.is_none_or(|cname| fold_name(cname) == fold_name(&intent.cname))
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A single row is in the fields beside `rows` too.
#[derive(Debug, Serialize)]
struct ResolveDocument<'a> {
    path: String,
    #[serde(flatten)]
    single: ResolvedRow<'a>,
    #[serde(rename = "as")]
    settled: &'static str,
    rows: Vec<ResolvedRow<'a>>,
}

#[derive(Debug, Default, Serialize)]
struct ResolvedRow<'a> {
    key: Option<String>,
    email: Option<&'a str>,
    cname: Option<&'a str>,
}

/// Records all of the rows or none.
pub(super) fn resolve(path: &Path, request: &Request, reporter: &Reporter) -> Result<String, CommandError> {
    // Read before the lock is taken: keys, addresses and cnames never change, and states are asked for under the lock.
    let rows = find_intents(path, |_| true, |intent| request.is_meant(intent))?;
    let mut chosen = Vec::new();
    Journal::resolve(path, |recovered| {
        chosen = choose(&rows, recovered, request, path)?;
        if request.settled == Resolution::NotSent {
            refuse_accepted(&chosen, &rows, path)?;
        }
        let settled = chosen.iter().map(|key| (*key, request.settled));
        Ok::<_, CommandError>(settled.collect())
    })?;
    let mut people: Vec<(&RowKey, &IntentDetails)> = chosen.iter().filter_map(|key| rows.get_key_value(key)).collect();
    people.sort_by_key(|(_, intent)| intent.row);
    if reporter.output().json {
        return Ok(success("vescli.journal-resolve/1", document(path, request, &people)));
    }
    let word = request.settled.word();
    let next = match request.settled {
        Resolution::Accepted => "left alone from now on",
        Resolution::NotSent => "the next run sends it again",
        Resolution::Unknown => "the earlier decision is taken back",
    };
    let line = |(_, intent): &(&RowKey, &IntentDetails)| {
        let [email, cname] = [&intent.email, &intent.cname].map(|text| reporter.escape(text));
        format!("resolved: {email} (cname {cname}) as {word}; {next}\n")
    };
    Ok(people.iter().map(line).collect())
}

/// An acceptance is never taken back: someone may be unknown only because a later single send to them was cut off.
fn refuse_accepted(chosen: &[RowKey], rows: &HashMap<RowKey, IntentDetails>, path: &Path) -> Result<(), CommandError> {
    let accepted = ever_accepted(path)?;
    let mut found = chosen.iter().filter(|key| accepted.contains(key)).filter_map(|key| rows.get(key));
    found.next().map_or(Ok(()), |person| {
        let email = escape_uncut(&person.email);
        Err(CommandError::usage(
            format!("{email} was accepted before the request that is unknown, so that person was mailed"),
            format!("use --as accepted for {email}"),
        ))
    })
}

fn document<'a>(path: &Path, request: &Request, people: &[(&RowKey, &'a IntentDetails)]) -> ResolveDocument<'a> {
    let row = |(key, intent): &(&RowKey, &'a IntentDetails)| ResolvedRow {
        key: Some(key.to_string()),
        email: Some(&intent.email),
        cname: Some(&intent.cname),
    };
    ResolveDocument {
        path: path.display().to_string(),
        single: if let [single] = people { row(single) } else { ResolvedRow::default() },
        settled: request.settled.word(),
        rows: people.iter().map(row).collect(),
    }
}

/// A hint with the command that shows the journal.
fn show_command(path: &Path, what: &str) -> String {
    format!("`vescli journal show {}` {what}", quote(&path.to_string_lossy()))
}

/// The rows that are meant and can be resolved.
fn choose(
    rows: &HashMap<RowKey, IntentDetails>,
    recovered: &Recovered,
    request: &Request,
    path: &Path,
) -> Result<Vec<RowKey>, CommandError> {
    let fits = |key: &RowKey| recovered.state(*key).is_some_and(|state| state.can_be_resolved(request.settled));
    let Who::Emails(emails) = &request.who else {
        let unknown: Vec<RowKey> = rows.keys().filter(|key| fits(key)).copied().collect();
        if unknown.is_empty() {
            return Err(CommandError::usage(
                "no row is unknown, so there is nothing to resolve",
                show_command(path, "shows what the journal contains"),
            ));
        }
        return Ok(unknown);
    };
    let mut chosen = Vec::new();
    for email in emails {
        let of_email = || rows.iter().filter(|(_, intent)| is_same(email, &intent.email));
        let mut fitting = of_email().filter(|(key, _)| fits(key));
        match (fitting.next(), fitting.next()) {
            (Some((key, _)), None) => chosen.push(*key),
            (Some(_), Some(_)) => {
                let mut cnames: Vec<String> = of_email().map(|(_, intent)| escape_uncut(&intent.cname)).collect();
                cnames.sort();
                let (email, cnames) = (escape_uncut(email), cnames.join(", "));
                let message = format!("{email} has rows with more than one cname: {cnames}");
                return Err(CommandError::usage(message, "choose one with --cname"));
            }
            (None, _) => {
                let known = of_email().find_map(|(key, _)| recovered.state(*key));
                return Err(unfit(email, known, request.settled, path));
            }
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// Why a row cannot be resolved.
fn unfit(email: &str, state: Option<RowState>, settled: Resolution, path: &Path) -> CommandError {
    let email = escape_uncut(email);
    let message = match (state.map(RowState::effective), settled) {
        (None, _) => format!("{email} is not in this journal"),
        (Some(_), Resolution::Unknown) => {
            format!("nothing was resolved for {email}, so there is nothing to take back")
        }
        (Some(outcome), _) => format!("{email} is not unknown but {}, so there is nothing to resolve", outcome.word()),
    };
    CommandError::usage(message, show_command(path, "lists the rows that are unknown"))
}
