//! `vescli journal check`: whether a journal is valid, where it is damaged, and what to do about that.

use std::path::Path;

use serde::Serialize;

use crate::bulk::journal::{Damage, JournalError, Tail, excerpt, inspect};
use crate::commands::error::CommandError;
use crate::report::Reporter;
use crate::report::escape::json_line;
use crate::report::exit::Exit;
use crate::report::text::counted;

/// Most damaged lines that are listed one by one.
const LISTED_MAX: usize = 20;
/// Most bytes of a damaged line that are shown.
const EXCERPT_MAX: u64 = 400;

const ADVICE: &str = "\
No run continues with this journal: someone on a damaged line may have been mailed, and would be mailed again.
What you can do:
  - put back a copy of the file, if there is one; or
  - `vescli journal repair FILE --list LIST`: people who may be on a damaged line become unknown, and the old file is kept.
";

#[derive(Debug, Serialize)]
struct CheckDocument {
    schema: &'static str,
    ok: bool,
    path: String,
    lines: u64,
    bytes: u64,
    runs: usize,
    /// At the end. The next run cuts them off: nothing was sent because of them.
    unfinished_bytes: u64,
    damaged_lines: usize,
    damage: Vec<DamageDocument>,
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct DamageDocument {
    line: u64,
    offset: u64,
    reason: String,
    holds: String,
}

/// Damage is not an error but the result, with exit 65.
pub(super) fn check(path: &Path, reporter: &Reporter) -> Result<(String, Exit), CommandError> {
    let scan = inspect(path)?;
    let exit = if scan.damage.is_empty() { Exit::Accepted } else { Exit::BadInput };
    let damage = scan.damage.iter().take(LISTED_MAX).map(|damage| damaged(path, damage));
    let found = CheckDocument {
        schema: "vescli.journal-check/1",
        ok: scan.damage.is_empty(),
        path: path.display().to_string(),
        lines: scan.lines,
        bytes: scan.length,
        runs: scan.recovered.runs.len(),
        unfinished_bytes: if scan.tail == Tail::Torn { scan.length - scan.valid } else { 0 },
        damaged_lines: scan.damage.len(),
        damage: damage.collect::<Result<_, _>>()?,
        exit_code: exit.code(),
    };
    let text = if reporter.output().json { json_line(&found) } else { text(&found, reporter) };
    Ok((text, exit))
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

fn text(found: &CheckDocument, reporter: &Reporter) -> String {
    let path = reporter.escape(&found.path);
    if found.ok {
        let (lines, unfinished) = (found.lines, found.unfinished_bytes);
        let mut text = format!("{path}: valid, {}, {}\n", counted(lines, "line"), counted(found.runs as u64, "run"));
        if unfinished > 0 {
            text.push_str(&format!(
                "line {lines} is unfinished: nothing was sent because of it, and the next run removes its {unfinished} bytes\n"
            ));
        }
        return text;
    }
    let count = counted(found.damaged_lines as u64, "damaged line");
    let mut text = format!("{path}: {}\n", reporter.out_style().error(&count));
    for DamageDocument { line, offset, reason, holds } in &found.damage {
        text.push_str(&format!("  line {line}, byte {offset}: {reason}\n    {}\n", reporter.escape(holds)));
    }
    let more = found.damaged_lines - found.damage.len();
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text + ADVICE
}
