//! `vescli journal resolve`: writes down what an operator found out about rows that were unknown. Sends nothing.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::Form;
use crate::api::outcome::Outcome;
use crate::args::layer::Layer;
use crate::args::settings_table::Setting;
use crate::bulk::journal::{Event, Journal, Recovered, RowKey, RowState, Settled, fold_name, look_for};
use crate::commands::bulk::quoted;
use crate::commands::error::CommandError;
use crate::report::safe_text::json_line;

/// What was typed: flags and variables only, because an address in a configuration file is for sending.
pub(super) struct Request {
    who: Who,
    cname: Option<String>,
    settled: Settled,
}

/// Whose rows are meant.
enum Who {
    Emails(Vec<String>),
    AllUnknown,
}

fn usage(message: &str, hint: &str) -> CommandError {
    CommandError::Usage { message: message.to_owned(), hint: hint.to_owned() }
}

impl Request {
    pub(super) fn of(emails: &[String], flags: &Layer, variables: &Layer) -> Result<Self, CommandError> {
        let text = |key| {
            let given = flags.get(key).or_else(|| variables.get(key));
            given.map(|given| given.value.to_string())
        };
        let is_on = |key| flags.is_on(key) || variables.is_on(key);
        // What was typed wins over variables.
        let all_unknown = flags.is_on(Setting::AllUnknown) || emails.is_empty() && variables.is_on(Setting::AllUnknown);
        let emails = match (emails, text(Setting::Email)) {
            ([], Some(email)) if !all_unknown => vec![email],
            (emails, _) => emails.to_vec(),
        };
        let who = match (emails.is_empty(), all_unknown) {
            (false, false) => Who::Emails(emails),
            (true, true) => Who::AllUnknown,
            (false, true) => {
                return Err(usage(
                    "--email and --all-unknown exclude each other",
                    "name the addresses, or take every row that is unknown",
                ));
            }
            (true, false) => {
                return Err(usage(
                    "--email is missing",
                    "name the addresses, or take --all-unknown; `vescli journal show` lists them",
                ));
            }
        };
        let settled = match (text(Setting::As).as_deref(), is_on(Setting::Undo)) {
            (None, true) => Settled::Unknown,
            (Some("accepted"), false) => Settled::Accepted,
            (Some(_), false) => Settled::NotSent,
            (Some(_), true) => {
                return Err(usage(
                    "--as and --undo exclude each other",
                    "take the decision back with --undo first, then resolve the row again",
                ));
            }
            (None, false) => {
                return Err(usage(
                    "--as is missing",
                    "use --as accepted if the people were mailed, --as not-sent if nobody was",
                ));
            }
        };
        if matches!((&who, settled), (Who::AllUnknown, Settled::Unknown)) {
            return Err(usage(
                "--undo needs addresses",
                "name each row whose decision is to be taken back with --email",
            ));
        }
        Ok(Self { who, cname: text(Setting::Cname), settled })
    }

    fn is_meant(&self, told: &Event) -> bool {
        let cname = self.cname.as_deref();
        let is_named = match &self.who {
            Who::Emails(emails) => emails.iter().any(|email| is_same(email, &told.email)),
            Who::AllUnknown => true,
        };
        is_named && cname.is_none_or(|cname| fold_name(cname) == fold_name(&told.cname))
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// What was written down, as JSON. A single row stands beside `rows` too.
#[derive(Debug, Serialize)]
struct ResolveDocument<'a> {
    schema: &'static str,
    ok: bool,
    path: String,
    key: Option<String>,
    email: Option<&'a str>,
    cname: Option<&'a str>,
    #[serde(rename = "as")]
    settled: &'static str,
    rows: Vec<ResolvedRow<'a>>,
}

/// A row that was resolved, as JSON.
#[derive(Debug, Serialize)]
struct ResolvedRow<'a> {
    key: String,
    email: &'a str,
    cname: &'a str,
}

/// Writes it down, all of it or nothing.
///
/// # Errors
/// [`CommandError::Usage`] when a row is not in the state that can be resolved, or it is not clear which is meant; what the
/// journal says otherwise.
pub(super) fn resolve(path: &Path, request: &Request, form: &Form) -> Result<String, CommandError> {
    // Read before the lock is taken: keys, addresses and cnames never change, and states are asked for under the lock.
    let rows = look_for(path, |_| true, |told| request.is_meant(told))?;
    let mut chosen = Vec::new();
    Journal::settle(path, |recovered| {
        chosen = choose(&rows, recovered, request, &Place { path, form })?;
        let settled = chosen.iter().map(|key| (*key, request.settled));
        Ok::<_, CommandError>(settled.collect())
    })?;
    let mut people: Vec<(&RowKey, &Event)> = chosen.iter().filter_map(|key| rows.get_key_value(key)).collect();
    people.sort_by_key(|(_, told)| told.row);
    if form.json {
        return Ok(json_line(&document(path, request, &people)));
    }
    let next = match request.settled {
        Settled::Accepted => "left alone from now on",
        Settled::NotSent => "the next run sends it again",
        Settled::Unknown => "the earlier decision is taken back",
    };
    let line = |(_, told): &(&RowKey, &Event)| {
        format!(
            "resolved: {} (cname {}) as {}; {next}\n",
            form.safe.shown(&told.email),
            form.safe.shown(&told.cname),
            request.settled.word()
        )
    };
    Ok(people.iter().map(line).collect())
}

fn document<'a>(path: &Path, request: &Request, people: &[(&RowKey, &'a Event)]) -> ResolveDocument<'a> {
    let single = match people {
        [single] => Some(single),
        _ => None,
    };
    ResolveDocument {
        schema: "vescli.journal-resolve/1",
        ok: true,
        path: path.to_string_lossy().into_owned(),
        key: single.map(|(key, _)| key.to_string()),
        email: single.map(|(_, told)| told.email.as_str()),
        cname: single.map(|(_, told)| told.cname.as_str()),
        settled: request.settled.word(),
        rows: people
            .iter()
            .map(|(key, told)| ResolvedRow { key: key.to_string(), email: &told.email, cname: &told.cname })
            .collect(),
    }
}

/// The journal, as messages name it.
struct Place<'a> {
    path: &'a Path,
    form: &'a Form,
}

impl Place<'_> {
    fn shown(&self, text: &str) -> String {
        self.form.safe.shown(text)
    }

    /// A hint with the command that shows what the journal knows.
    fn show(&self, what: &str) -> String {
        let path = quoted(&self.path.to_string_lossy());
        let path = self.form.safe.shown_bytes(path.as_bytes());
        format!("`vescli journal show {path}` {what}")
    }
}

/// The rows that are meant and can be resolved.
fn choose(
    rows: &HashMap<RowKey, Event>,
    recovered: &Recovered,
    request: &Request,
    place: &Place,
) -> Result<Vec<RowKey>, CommandError> {
    let fits = |key: &RowKey| {
        let state = recovered.state(*key);
        match request.settled {
            Settled::Unknown => {
                matches!(state, Some(RowState::Resolved(settled)) if settled != Settled::Unknown)
            }
            _ => state.map(RowState::effective) == Some(Outcome::Unknown),
        }
    };
    let Who::Emails(emails) = &request.who else {
        let unknown: Vec<RowKey> = rows.keys().filter(|key| fits(key)).copied().collect();
        if unknown.is_empty() {
            return Err(usage(
                "no row is unknown, so there is nothing to resolve",
                &place.show("tells what the journal knows"),
            ));
        }
        return Ok(unknown);
    };
    let mut chosen = Vec::new();
    for email in emails {
        let of_email = || rows.iter().filter(|(_, told)| is_same(email, &told.email));
        let mut fitting = of_email().filter(|(key, _)| fits(key));
        match (fitting.next(), fitting.next()) {
            (Some((key, _)), None) => chosen.push(*key),
            (Some(_), Some(_)) => {
                let mut cnames: Vec<String> = of_email().map(|(_, told)| place.shown(&told.cname)).collect();
                cnames.sort();
                return Err(CommandError::Usage {
                    message: format!("{} has rows with more than one cname: {}", place.shown(email), cnames.join(", ")),
                    hint: "say which with --cname".to_owned(),
                });
            }
            (None, _) => {
                let known = of_email().find_map(|(key, _)| recovered.state(*key));
                return Err(unfit(email, known, request.settled, place));
            }
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// Why a row cannot be resolved.
fn unfit(email: &str, state: Option<RowState>, settled: Settled, place: &Place) -> CommandError {
    let email = place.shown(email);
    let message = match (state.map(RowState::effective), settled) {
        (None, _) => format!("{email} is not in this journal"),
        (Some(_), Settled::Unknown) => {
            format!("nothing was resolved for {email}, so there is nothing to take back")
        }
        (Some(outcome), _) => format!("{email} is not unknown but {}, so there is nothing to resolve", outcome.word()),
    };
    usage(&message, &place.show("lists the rows that are unknown"))
}
