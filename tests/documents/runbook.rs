//! The runbook of `vescli(7)`, typed into one shell from beginning to end, as it stands in the page: the output that the
//! page shows has to appear, and every code that it does not show is 0.

use std::fs;
use std::path::Path;

use crate::extract::verbatim;
use crate::home::World;

/// What is typed, and the lines that the page shows below it.
#[derive(Debug, Default)]
struct Step {
    typed: String,
    shown: Vec<String>,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (section, line) in verbatim(page) {
        assert_eq!(section, "\"RUNBOOK\"", "{line}");
        if let Some(typed) = line.strip_prefix("$ ") {
            steps.push(Step { typed: typed.to_owned(), shown: Vec::new() });
            continue;
        }
        let step = steps.last_mut().expect("the first line is typed");
        match line.strip_prefix("> ") {
            Some(more) => step.typed.push_str(&format!("\n{more}")),
            None => step.shown.push(line),
        }
    }
    steps
}

/// The steps as a script that prints a mark, the number of the step and its code after each. The shell within the sandbox
/// reads on where the outer one stopped, as it does when a person types.
fn script(steps: &[Step]) -> String {
    let mut script = String::new();
    for (index, step) in steps.iter().enumerate() {
        // The status that the next command may ask for is that of the last one, not of the mark.
        script.push_str(&format!(
            "(exit ${{status:-0}})\n{}\nstatus=$?; printf '\\036%s %s\\n' {index} $status\n",
            step.typed
        ));
    }
    script
}

/// Whether output is as the page shows it: `...` stands for any lines, or for any text within a line.
fn matches(shown: &[String], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "..." => (0..=lines.len()).any(|skipped| matches(rest, &lines[skipped..])),
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, others)| line_matches(first, line) && matches(rest, others))
        }
    }
}

fn line_matches(shown: &str, line: &str) -> bool {
    match shown.split_once("...") {
        None => shown == line,
        Some((begin, rest)) => line.strip_prefix(begin).is_some_and(|left| {
            left.char_indices().map(|(at, _)| at).chain([left.len()]).any(|at| line_matches(rest, &left[at..]))
        }),
    }
}

#[test]
fn the_runbook_runs_as_printed() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/vescli.7");
    let steps = steps(&fs::read_to_string(page).unwrap());
    assert!(steps.len() > 15, "{steps:#?}");
    let world = World::new();
    let bash = world.bash(None).env("EDITOR", "./editor");
    let bash = bash.file_mode("editor", "#!/bin/sh\necho s3cret-token > \"$1\"\n", 0o755);
    let output = bash.stdin(script(&steps)).run();
    let mut rest = output.stdout.as_str();
    for (index, step) in steps.iter().enumerate() {
        let context = || format!("at `{}`:\n{}\n{}", step.typed, output.stdout, output.stderr);
        let (lines, code) = rest.split_once(&format!("\u{1e}{index} ")).unwrap_or_else(|| panic!("{}", context()));
        let (code, after) = code.split_once('\n').unwrap();
        rest = after;
        let asks = steps.get(index + 1).is_some_and(|next| next.typed == "echo $?");
        assert!(asks || code == "0", "code {code} {}", context());
        let lines: Vec<&str> = lines.lines().collect();
        assert!(
            step.shown.is_empty() || matches(&step.shown, &lines),
            "the page shows {:#?} {}",
            step.shown,
            context()
        );
    }
    // Three mails of the real run, none of them twice, and none of the rehearsal.
    assert_eq!(world.posts(), 3);
}

#[test]
fn shown_output_is_compared() {
    let shown = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(matches(&shown(&["a", "...", "c ... e"]), &["a", "b", "b", "c d e"]));
    assert!(matches(&shown(&["a", "..."]), &["a"]));
    for lines in [&["a", "b"][..], &["b"], &[], &["a", "c d"]] {
        assert!(!matches(&shown(&["a", "c ... e"]), lines), "{lines:?}");
    }
}
