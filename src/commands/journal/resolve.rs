//! `vescli journal resolve`: writes down what an operator found out about a row that was unknown. Sends nothing.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::Form;
use crate::api::outcome::Fate;
use crate::bulk::journal::{Journal, Recovered, RowKey, RowState, Settled, Told, look_for};
use crate::cli::args::keys::Key;
use crate::cli::args::layer::Layer;
use crate::cli::safe_text::json_line;
use crate::commands::fault::Fault;

/// What was given: by flags and variables only, because an address in a configuration file is for sending.
pub(super) struct Given {
    email: String,
    cname: Option<String>,
    settled: Settled,
}

impl Given {
    pub(super) fn of(flags: &Layer, variables: &Layer) -> Result<Self, Fault> {
        let text = |key| {
            flags
                .get(key)
                .or_else(|| variables.get(key))
                .map(|given| given.value.to_string())
        };
        let missing = |flag: &str, hint: &str| Fault::Usage {
            message: format!("--{flag} is missing"),
            hint: hint.to_owned(),
        };
        let settled = match text(Key::As).as_deref() {
            Some("accepted") => Settled::Accepted,
            Some(_) => Settled::NotSent,
            None => {
                return Err(missing(
                    "as",
                    "say --as accepted if the person was mailed, --as not-sent if nobody was",
                ));
            }
        };
        Ok(Self {
            email: text(Key::Email).ok_or_else(|| {
                missing(
                    "email",
                    "say whose row it is; `vescli journal show` lists them",
                )
            })?,
            cname: text(Key::Cname),
            settled,
        })
    }
}

/// What was written down, as JSON.
#[derive(Debug, Serialize)]
struct ResolveDocument<'a> {
    schema: &'static str,
    ok: bool,
    path: String,
    key: String,
    email: &'a str,
    cname: &'a str,
    #[serde(rename = "as")]
    settled: &'static str,
}

/// Writes it down.
///
/// # Errors
/// [`Fault::Usage`] when no row, or more than one, of that address is unknown; what the journal says otherwise.
pub(super) fn resolve(path: &Path, given: &Given, form: &Form) -> Result<String, Fault> {
    let email = given.email.to_lowercase();
    let is_meant = |told: &Told| {
        told.email.to_lowercase() == email
            && given
                .cname
                .as_ref()
                .is_none_or(|cname| *cname == told.cname)
    };
    // Read before the lock is taken: keys, addresses and cnames never change, and states are asked for under the lock.
    let rows = look_for(path, |_| true, is_meant)?;
    let mut chosen = None;
    Journal::settle(path, |recovered| {
        let key = choose(&rows, recovered, given, form)?;
        chosen = Some(key);
        Ok::<_, Fault>((key, given.settled))
    })?;
    let Some((key, told)) = chosen.and_then(|key| rows.get_key_value(&key)) else {
        return Ok(String::new());
    };
    if form.json {
        return Ok(json_line(&ResolveDocument {
            schema: "vescli.journal-resolve/1",
            ok: true,
            path: path.to_string_lossy().into_owned(),
            key: key.to_string(),
            email: &told.email,
            cname: &told.cname,
            settled: given.settled.word(),
        }));
    }
    let next = match given.settled {
        Settled::Accepted => "it is left alone from now on",
        Settled::NotSent => "the next run sends it again",
    };
    Ok(format!(
        "resolved: {} (cname {}) as {}; {next}\n",
        form.safe.shown(&told.email),
        form.safe.shown(&told.cname),
        given.settled.word()
    ))
}

/// The one row that is meant and unknown.
fn choose(
    rows: &HashMap<RowKey, Told>,
    recovered: &Recovered,
    given: &Given,
    form: &Form,
) -> Result<RowKey, Fault> {
    let email = form.safe.shown(&given.email);
    let fate = |key: &RowKey| recovered.state(*key).map(RowState::effective);
    let mut unknown = rows
        .iter()
        .filter(|(key, _)| fate(key) == Some(Fate::Unknown));
    match (unknown.next(), unknown.next()) {
        (Some((key, _)), None) => Ok(*key),
        (Some(_), Some(_)) => {
            let mut cnames: Vec<String> = rows
                .values()
                .map(|told| form.safe.shown(&told.cname))
                .collect();
            cnames.sort();
            Err(Fault::Usage {
                message: format!(
                    "{email} is unknown with more than one cname: {}",
                    cnames.join(", ")
                ),
                hint: "say which with --cname".to_owned(),
            })
        }
        (None, _) => {
            let known = rows.keys().find_map(fate);
            Err(Fault::Usage {
                message: match known {
                    Some(fate) => format!(
                        "{email} is not unknown but {}, so there is nothing to resolve",
                        fate.word()
                    ),
                    None => format!("{email} does not stand in this journal"),
                },
                hint: "`vescli journal show` lists the rows that are unknown".to_owned(),
            })
        }
    }
}
