//! `vescli journal resolve`: records what an operator found out about unknown rows. Sends nothing.

use std::collections::HashMap;
use std::path::Path;

use crate::args::settings_table::Setting;
use crate::bulk::journal::{
    IntentDetails, Journal, Recovered, Resolution, RowKey, RowState, ever_accepted, find_intents, fold_name,
};
use crate::commands::Context;
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::escape::{escape_uncut, quote, success};
use crate::report::json::document;

/// The options, from flags and variables only: an address in the configuration file is for sending.
pub(super) struct Request {
    /// Empty for all unknown rows.
    emails: Vec<String>,
    cname: Option<String>,
    resolution: Resolution,
}

impl Request {
    pub(super) fn new(emails: &[String], context: &Context) -> Result<Self, CommandError> {
        let given = context.flags_and_variables()?;
        // Flags win over variables.
        let is_all = context.flags.is_on(Setting::AllUnknown) || emails.is_empty() && given.is_on(Setting::AllUnknown);
        let emails = match given.text(Setting::Email) {
            Some(email) if emails.is_empty() && !is_all => vec![email],
            _ => emails.to_vec(),
        };
        let (answer, is_undo) = (given.text(Setting::As), given.is_on(Setting::Undo));
        let (message, hint) = match (emails.is_empty(), is_all, answer.as_deref(), is_undo) {
            (false, true, ..) => (
                "--email and --all-unknown exclude each other",
                "name the addresses, or take every row that is unknown",
            ),
            (true, false, ..) => {
                ("--email is missing", "name the addresses, or take --all-unknown; `vescli journal show` lists them")
            }
            (.., Some(_), true) => (
                "--as and --undo exclude each other",
                "take the decision back with --undo first, then resolve the row again",
            ),
            (.., None, false) => {
                ("--as is missing", "use --as accepted if the people were mailed, --as not-sent if no one was")
            }
            (_, true, None, true) => {
                ("--undo needs addresses", "name each row whose decision is to be taken back with --email")
            }
            (.., answer, _) => {
                let resolution = match answer {
                    None => Resolution::Unknown,
                    Some("accepted") => Resolution::Accepted,
                    Some(_) => Resolution::NotSent,
                };
                return Ok(Self { emails, cname: given.text(Setting::Cname), resolution });
            }
        };
        Err(CommandError::usage(message, hint))
    }

    fn matches(&self, intent: &IntentDetails) -> bool {
        let is_named = self.emails.is_empty() || self.emails.iter().any(|email| is_same(email, &intent.email));
        is_named && self.cname.as_ref().is_none_or(|cname| fold_name(cname) == fold_name(&intent.cname))
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Records all of the rows or none.
pub(super) fn resolve(path: &Path, request: &Request, reporter: &Reporter) -> Result<String, CommandError> {
    // Read before the journal is locked: keys, addresses and cnames never change, and states are read under the lock.
    let rows = find_intents(path, |_| true, |intent| request.matches(intent))?;
    let mut people = Vec::new();
    Journal::resolve(path, |recovered| {
        people = choose(&rows, recovered, request, path)?;
        if request.resolution == Resolution::NotSent {
            // An acceptance is never taken back. The person may be unknown only because a later single send was interrupted.
            let accepted = ever_accepted(path)?;
            if let Some((_, person)) = people.iter().find(|(key, _)| accepted.contains(key)) {
                let email = escape_uncut(&person.email);
                return Err(CommandError::usage(
                    format!("{email} was accepted before the request that is unknown, so that person was mailed"),
                    format!("use --as accepted for {email}"),
                ));
            }
        }
        Ok(people.iter().map(|(key, _)| (**key, request.resolution)).collect())
    })?;
    let word = request.resolution.word();
    if reporter.output().json {
        return Ok(document(path, word, &people));
    }
    let next = match request.resolution {
        Resolution::Accepted => "left alone from now on",
        Resolution::NotSent => "the next run sends it again",
        Resolution::Unknown => "the earlier decision is taken back",
    };
    let line = |(_, intent): &ChosenRow| {
        let [email, cname] = [&intent.email, &intent.cname].map(|text| reporter.escape(text));
        format!("resolved: {email} (cname {cname}) as {word}; {next}\n")
    };
    Ok(people.iter().map(line).collect())
}

/// If there is only one row, its values are also in the fields beside `rows`.
fn document(path: &Path, settled: &str, people: &[ChosenRow]) -> String {
    let row = |person: Option<&ChosenRow>| {
        document! {
            key: person.map(|(key, _)| key.to_string()),
            email: person.map(|(_, intent)| intent.email.clone()),
            cname: person.map(|(_, intent)| intent.cname.clone()),
        }
    };
    let document = document! {
        path: path.display().to_string(),
        #[serde(flatten)]
        single: row(people.first().filter(|_| people.len() == 1)),
        #[serde(rename = "as")]
        settled: settled,
        rows: people.iter().map(|person| row(Some(person))).collect::<Vec<_>>(),
    };
    success("vescli.journal-resolve/1", document)
}

/// A hint that names the command to show the journal.
fn show_command(path: &Path, what: &str) -> String {
    format!("`vescli journal show {}` {what}", quote(&path.to_string_lossy()))
}

type ChosenRow<'a> = (&'a RowKey, &'a IntentDetails);

/// The chosen rows, if all of them can be resolved, in the order of the list.
fn choose<'a>(
    rows: &'a HashMap<RowKey, IntentDetails>,
    recovered: &Recovered,
    request: &Request,
    path: &Path,
) -> Result<Vec<ChosenRow<'a>>, CommandError> {
    let fits =
        |(key, _): &ChosenRow| recovered.state(**key).is_some_and(|state| state.can_be_resolved(request.resolution));
    let mut chosen = Vec::new();
    if request.emails.is_empty() {
        chosen.extend(rows.iter().filter(fits));
        if chosen.is_empty() {
            let hint = show_command(path, "shows what the journal contains");
            return Err(CommandError::usage("no row is unknown, so there is nothing to resolve", hint));
        }
    }
    for email in &request.emails {
        let of_email = || rows.iter().filter(|(_, intent)| is_same(email, &intent.email));
        let mut fitting = of_email().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(row), None) => chosen.push(row),
            (Some(_), Some(_)) => {
                let mut cnames: Vec<String> = of_email().map(|(_, intent)| escape_uncut(&intent.cname)).collect();
                cnames.sort();
                let (email, cnames) = (escape_uncut(email), cnames.join(", "));
                let message = format!("{email} has rows with more than one cname: {cnames}");
                return Err(CommandError::usage(message, "choose one with --cname"));
            }
            (None, _) => {
                let state = of_email().find_map(|(key, _)| recovered.state(*key));
                let email = escape_uncut(email);
                let message = match (state.map(RowState::effective), request.resolution) {
                    (None, _) => format!("{email} is not in this journal"),
                    (Some(_), Resolution::Unknown) => {
                        format!("nothing was resolved for {email}, so there is nothing to take back")
                    }
                    (Some(outcome), _) => {
                        let word = outcome.word();
                        format!("{email} is not unknown but {word}, so there is nothing to resolve")
                    }
                };
                return Err(CommandError::usage(message, show_command(path, "lists the rows that are unknown")));
            }
        }
    }
    chosen.sort_by_key(|(key, intent)| (intent.row, **key));
    chosen.dedup();
    Ok(chosen)
}
