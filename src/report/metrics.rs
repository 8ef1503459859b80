//! The file of `bulk --metrics`, in Prometheus' text format: what the textfile collector of `node_exporter` reads.

use std::time::SystemTime;

use super::bulk_text::PlanFacts;
use super::escape::escape_uncut;
use crate::bulk::results::Tally;
use crate::settings::clock::since_epoch;

/// The text of a run that ended with this code. Each sample names tenant, list and shard: two files with the same sample
/// make `node_exporter` refuse both.
pub fn text(facts: &PlanFacts, tally: &Tally, [started, ended]: [SystemTime; 2], exit_code: u8) -> String {
    let list = tally.of_list(facts.plan);
    let shard = facts.shard.map(|shard| format!(",shard=\"{shard}\"")).unwrap_or_default();
    let (tenant, name) = (label(facts.tenant.unwrap_or_default()), label(facts.name));
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
    // Without line breaks by then.
    escape_uncut(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_a_label() {
        assert_eq!(label("a\\\"b\nc\u{1}ß"), "a\\\\\\\"b\\\\nc\\\\u{1}ß");
    }
}
