//! `vescli journal check`: whether a journal is sound, where it is not, and what may be done about it.

use std::path::Path;

use serde::Serialize;

use super::{Event, Form};
use crate::bulk::journal::{Damage, JournalError, Scan, Tail, excerpt, look};
use crate::commands::error::CommandError;
use crate::report::exit::Exit;
use crate::report::list::counted;
use crate::report::safe_text::json_line;

/// Most damaged lines that are told one by one.
const TOLD_MAX: usize = 20;
/// Most bytes of a damaged line that are told.
const EXCERPT_MAX: u64 = 400;

/// What may be done about damage.
const ADVICE: &str = "\
No run continues with this journal: someone on a damaged line may have been mailed, and would be mailed again.
What may be done:
  - put back a copy of the file, if there is one; or
  - `vescli journal repair FILE --list LIST`: people who may be on a damaged line become unknown, and the old file is kept.
";

/// The verdict as JSON.
#[derive(Debug, Serialize)]
struct CheckDocument {
    schema: &'static str,
    ok: bool,
    path: String,
    lines: u64,
    bytes: u64,
    runs: usize,
    unfinished_bytes: u64,
    damaged_lines: usize,
    damage: Vec<DamageDocument>,
    exit_code: u8,
}

/// A damaged line as JSON.
#[derive(Debug, Serialize)]
struct DamageDocument {
    line: u64,
    offset: u64,
    reason: String,
    holds: String,
}

/// Checks a journal.
///
/// # Errors
/// [`JournalError`] when it cannot be read. Damage is no error but the answer, with exit 65.
pub(super) fn check(path: &Path, form: &Form) -> Result<Event, CommandError> {
    let scan = look(path)?;
    let damage =
        scan.damage.iter().take(TOLD_MAX).map(|damage| damaged(path, damage)).collect::<Result<Vec<_>, _>>()?;
    let exit = if scan.damage.is_empty() { Exit::Accepted } else { Exit::BadInput };
    let text = if form.json {
        json_line(&CheckDocument {
            schema: "vescli.journal-check/1",
            ok: scan.damage.is_empty(),
            path: path.to_string_lossy().into_owned(),
            lines: scan.lines,
            bytes: scan.length,
            runs: scan.recovered.runs.len(),
            unfinished_bytes: unfinished(&scan),
            damaged_lines: scan.damage.len(),
            damage,
            exit_code: exit.code(),
        })
    } else {
        words(path, &scan, &damage, form)
    };
    Ok(Event { text, exit })
}

/// Bytes at the end that the next run cuts off. They let nothing go.
const fn unfinished(scan: &Scan) -> u64 {
    match scan.tail {
        Tail::Torn => scan.length - scan.sound,
        Tail::None | Tail::Unbroken => 0,
    }
}

fn damaged(path: &Path, damage: &Damage) -> Result<DamageDocument, JournalError> {
    let bytes = excerpt(path, damage.offset, EXCERPT_MAX)?;
    Ok(DamageDocument {
        line: damage.line,
        offset: damage.offset,
        reason: damage.flaw.to_string(),
        holds: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

fn words(path: &Path, scan: &Scan, damage: &[DamageDocument], form: &Form) -> String {
    let path = form.path(path);
    if scan.damage.is_empty() {
        let mut text = format!(
            "{path}: sound, {}, {}\n",
            counted(scan.lines, "line"),
            counted(scan.recovered.runs.len() as u64, "run")
        );
        if scan.tail == Tail::Torn {
            text.push_str(&format!(
                "line {} is unfinished: nothing was sent on its strength, and the next run cuts its {} bytes off\n",
                scan.lines,
                unfinished(scan)
            ));
        }
        return text;
    }
    let mut text = format!("{path}: {}\n", form.paint.bad(&counted(scan.damage.len() as u64, "damaged line")));
    for damage in damage {
        text.push_str(&format!(
            "  line {}, byte {}: {}\n    {}\n",
            damage.line,
            damage.offset,
            damage.reason,
            form.safe.shown(&damage.holds)
        ));
    }
    if scan.damage.len() > damage.len() {
        let more = scan.damage.len() - damage.len();
        text.push_str(&format!("  and {more} more\n"));
    }
    text.push_str(ADVICE);
    text
}
