//! `vescli journal check`: whether a journal is valid, where it is damaged, and what to do about that.

use std::path::Path;

use serde::Serialize;

use crate::bulk::journal::{Damage, JournalError, Scan, Tail, excerpt, inspect};
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
    let damage =
        scan.damage.iter().take(LISTED_MAX).map(|damage| damaged(path, damage)).collect::<Result<Vec<_>, _>>()?;
    let exit = if scan.damage.is_empty() { Exit::Accepted } else { Exit::BadInput };
    let text = if reporter.output().json {
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
        text(path, &scan, &damage, reporter)
    };
    Ok((text, exit))
}

/// Bytes at the end that the next run cuts off: nothing was sent because of them.
const fn unfinished(scan: &Scan) -> u64 {
    match scan.tail {
        Tail::Torn => scan.length - scan.valid,
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

fn text(path: &Path, scan: &Scan, damage: &[DamageDocument], reporter: &Reporter) -> String {
    let path = reporter.path(path);
    if scan.damage.is_empty() {
        let mut text = format!(
            "{path}: valid, {}, {}\n",
            counted(scan.lines, "line"),
            counted(scan.recovered.runs.len() as u64, "run")
        );
        if scan.tail == Tail::Torn {
            text.push_str(&format!(
                "line {} is unfinished: nothing was sent because of it, and the next run removes its {} bytes\n",
                scan.lines,
                unfinished(scan)
            ));
        }
        return text;
    }
    let mut text =
        format!("{path}: {}\n", reporter.out_style().error(&counted(scan.damage.len() as u64, "damaged line")));
    for damage in damage {
        text.push_str(&format!(
            "  line {}, byte {}: {}\n    {}\n",
            damage.line,
            damage.offset,
            damage.reason,
            reporter.redactor().escape(&damage.holds)
        ));
    }
    if scan.damage.len() > damage.len() {
        let more = scan.damage.len() - damage.len();
        text.push_str(&format!("  and {more} more\n"));
    }
    text.push_str(ADVICE);
    text
}
