//! The files of `--junit` and `--metrics`: what they say of a run, when they are written, and what they never replace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::{again, bulk, holding};
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

/// A case: its name, and `ELEMENT: MESSAGE` of what is in it, or nothing.
type Cases = Vec<(String, String)>;

/// One tag of a document: its name and its attributes, without references.
fn tag(text: &str) -> (&str, BTreeMap<&str, String>) {
    let (name, mut rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut attributes = BTreeMap::new();
    while !rest.is_empty() {
        let (key, value) = rest.split_once("=\"").unwrap();
        let (value, after) = value.split_once('"').unwrap();
        let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
        let is_reference = |at| known.iter().any(|reference| value[at..].starts_with(reference));
        assert!(value.match_indices('&').all(|(at, _)| is_reference(at)), "{value}");
        let value = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        assert!(attributes.insert(key, value).is_none(), "{key} is given again: {text}");
        rest = after.trim_start();
    }
    (name, attributes)
}

/// Reads a report as a strict reader of XML does: one root, elements closed in their order, names of cases unique, numbers
/// that are those of the cases.
fn cases_of(report: &str) -> Cases {
    let mut rest = report.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    let (mut open, mut cases, mut counted) = (Vec::new(), Cases::new(), Vec::new());
    while let Some((before, after)) = rest.split_once('<') {
        assert!(before.trim().is_empty(), "text between elements: {before}");
        let (text, after) = after.split_once('>').unwrap();
        rest = after;
        if let Some(name) = text.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let (name, attributes) = tag(text.trim_end_matches('/'));
        match name {
            "testsuites" | "testsuite" => counted.push(attributes),
            "testcase" => {
                assert_eq!(attributes["classname"], "example-corp");
                cases.push((attributes["name"].clone(), String::new()));
            }
            "properties" => assert_eq!((open.last(), cases.len()), (Some(&"testsuite"), 0)),
            "property" => assert_eq!(attributes["name"], "shard"),
            element => {
                assert_eq!(open.last(), Some(&"testcase"));
                let message = &attributes["message"];
                assert!(message.starts_with(&format!("{}: ", attributes["type"])), "{message}");
                cases.last_mut().unwrap().1 = format!("{element} {message}");
            }
        }
        if !text.ends_with('/') {
            assert!(!open.is_empty() || counted.len() == 1, "a second root");
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest == "\n", "{rest}");
    let names: BTreeSet<&String> = cases.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), cases.len(), "names are not unique");
    for (attribute, element) in [("tests", ""), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
        let count = cases.iter().filter(|(_, result)| result.starts_with(element)).count().to_string();
        assert!(counted.len() == 2 && counted.iter().all(|counts| counts[attribute] == count), "{attribute}");
    }
    cases
}

fn read(output: &Output, name: &str) -> String {
    fs::read_to_string(output.folder.join(name)).unwrap()
}

fn junit(output: &Output) -> Cases {
    cases_of(&read(output, "out.xml"))
}

/// The samples of a metrics file by name and labels, each of which has its help and type in front.
fn metrics(output: &Output) -> BTreeMap<String, String> {
    let text = read(output, "out.prom");
    let mut samples = BTreeMap::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split_once(' ').unwrap().0;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{family} gauge"));
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let labels = name.strip_prefix(family).unwrap();
            assert!(labels.starts_with("{tenant=\"example-corp\",list=\"list.txt\""), "{line}");
            let name = name.replace("tenant=\"example-corp\",list=\"list.txt\"", "").replace(['{', '}', ','], "");
            assert!(samples.insert(name, value.to_owned()).is_none(), "{line} comes twice");
        }
    }
    assert!(text.ends_with('\n'));
    samples
}

fn with_reports(vescli: Vescli) -> Vescli {
    vescli.args(["--junit", "out.xml", "--metrics", "out.prom", "--jobs", "1", "--retries", "0"])
}

/// Nothing is left beside the reports.
fn assert_clean(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with(".vescli-"), "{name} was left behind");
    }
}

fn case(name: usize, result: &str) -> (String, String) {
    (super::address(name), result.to_owned())
}

#[test]
fn each_row_has_a_case_and_each_outcome_is_counted() {
    let answers = [Answer::accepted(), Answer::status(404), Answer::status(500), Answer::accepted()];
    let server = Server::http().answers(answers).start();
    let first = with_reports(bulk(&server, 5)).args(["--limit", "3"]).code(11).run();
    let left = "skipped not_sent: left for a later run by --limit";
    let expected = [
        case(0, ""),
        case(1, "failure rejected: not found"),
        case(2, "error unknown: server error"),
        case(3, left),
        case(4, left),
    ];
    assert_eq!(junit(&first), expected);
    let (xml, prom) = (first.folder.join("out.xml"), first.folder.join("out.prom"));
    assert_eq!(fs::metadata(&xml).unwrap().permissions().mode() & 0o777, 0o600, "it contains addresses");
    let of_run = metrics(&first);
    assert_eq!(of_run["vescli_last_run_exit_code"], "11");
    assert_eq!(of_run["vescli_rowsoutcome=\"rejected\""], "1");
    assert_eq!(of_run["vescli_rowsoutcome=\"not_sent\""], "2");
    let [start, end]: [f64; 2] = ["start", "end"].map(|which| {
        let name = format!("vescli_last_run_{which}_timestamp_seconds");
        of_run[&name].parse().unwrap()
    });
    assert!(start > 1.0e9 && start <= end && end < 1.0e11, "{start} to {end}");
    // Kept open, so that no new file gets their inode numbers.
    let old = [&xml, &prom].map(|path| fs::File::open(path).unwrap());
    // The same again, with the rest: the files are new ones, and the known rows are reported as known.
    let second = with_reports(again(&first, &server)).code(11).run();
    let expected = [
        case(0, "skipped accepted: in an earlier run"),
        case(1, "failure rejected: in an earlier run"),
        case(2, "error unknown: in an earlier run"),
        case(3, ""),
        case(4, ""),
    ];
    assert_eq!(junit(&second), expected);
    assert_eq!(metrics(&second)["vescli_rowsoutcome=\"accepted\""], "3");
    assert_eq!(metrics(&second)["vescli_rowsoutcome=\"unknown\""], "1");
    for (path, old) in [&xml, &prom].into_iter().zip(old) {
        assert_ne!(fs::metadata(path).unwrap().ino(), old.metadata().unwrap().ino(), "replaced, not written over");
    }
    assert_clean(&second.folder);
}

#[test]
fn a_run_with_nothing_to_do_is_reported_too() {
    let server = Server::http().start();
    let first = bulk(&server, 2).run();
    for flags in [&[][..], &["-q"], &["--json"]] {
        let done = with_reports(again(&first, &server)).args(flags).run();
        let known = "skipped accepted: in an earlier run";
        assert_eq!(junit(&done), [case(0, known), case(1, known)]);
        assert_eq!(metrics(&done)["vescli_last_run_exit_code"], "0");
        assert_eq!(metrics(&done)["vescli_rowsoutcome=\"accepted\""], "2");
    }
    let other = first.again().file("other.txt", super::lines(3)).against(&server).env("VESCLI_TENANT", "example-corp");
    let other = other.args(["bulk", "other.txt", "--yes", "--rate", "none", "--known", "skip"]);
    let other = with_reports(other).stdout_contains("").stderr_contains("").run();
    let known = "skipped accepted: in a run of another list";
    assert_eq!(junit(&other), [case(0, known), case(1, known), case(2, "")]);
}

/// Two shards may leave their reports in one folder: their samples differ, and a report says which shard it is of.
#[test]
fn reports_name_the_shard() {
    let server = Server::http().start();
    for shard in ["1/2", "2/2"] {
        let sent = with_reports(bulk(&server, 20)).args(["--shard", shard]).run();
        let property = format!("<properties><property name=\"shard\" value=\"{shard}\"/></properties>");
        assert_eq!(read(&sent, "out.xml").matches(&property).count(), 1);
        let of_run = metrics(&sent);
        let count = &of_run[&format!("vescli_rowsshard=\"{shard}\"outcome=\"accepted\"")];
        assert_eq!(*count, junit(&sent).len().to_string());
        assert_eq!(of_run[&format!("vescli_last_run_exit_codeshard=\"{shard}\"")], "0");
    }
    assert_eq!(server.count(), 20);
}

#[test]
fn a_run_that_stopped_or_was_interrupted_is_reported() {
    let server = Server::http().answer(Answer::status(401)).start();
    let stopped = with_reports(bulk(&server, 3)).code(12).run();
    let unreached = "failure not_sent: the run ended before this row";
    let rejected = case(0, "failure rejected: not authorized");
    assert_eq!(junit(&stopped), [rejected, case(1, unreached), case(2, unreached)]);
    assert_eq!(metrics(&stopped)["vescli_last_run_exit_code"], "12");
    let (server, hold) = holding();
    let running = with_reports(bulk(&server, 3)).dies_by(2).start();
    hold.wait_for(1);
    running.signal("INT");
    running.wait_for_stderr("no new requests");
    hold.release();
    let ended = running.finish();
    assert_eq!(junit(&ended), [case(0, ""), case(1, unreached), case(2, unreached)]);
    assert_eq!(metrics(&ended)["vescli_last_run_exit_code"], "130");
    assert_clean(&ended.folder);
}

#[test]
fn a_run_whose_output_cannot_be_written_is_reported() {
    let server = Server::http().start();
    let program = support::program();
    let reports = "--junit out.xml --metrics out.prom";
    let script = format!("exec {program} bulk list.txt --yes --rate none {reports} > /dev/full");
    let run = |vescli: Vescli| {
        let vescli = vescli.against(&server).env("VESCLI_TENANT", "example-corp").args(["-c", &script]);
        vescli.code(74).stderr_contains("standard output").run()
    };
    let first = run(Vescli::program("/bin/sh").file("list.txt", super::lines(2)));
    assert_eq!(junit(&first), [case(0, ""), case(1, "")]);
    assert_eq!(metrics(&first)["vescli_last_run_exit_code"], "74");
    // The same with nothing left to send.
    let second = run(first.again_with("/bin/sh"));
    let known = "skipped accepted: in an earlier run";
    assert_eq!(junit(&second), [case(0, known), case(1, known)]);
    assert_eq!(metrics(&second)["vescli_last_run_exit_code"], "74");
    assert_eq!(server.count(), 2);
}

#[test]
fn the_journal_of_another_list_is_never_replaced() {
    let server = Server::http().start();
    let first = bulk(&server, 2).args(["--journal", "other.journal"]).run();
    let journal = fs::read(first.folder.join("other.journal")).unwrap();
    for flag in ["--junit", "--metrics"] {
        let vescli = first.again().file("new.txt", "new@example.com\n").against(&server);
        let vescli =
            vescli.env("VESCLI_TENANT", "example-corp").args(["bulk", "new.txt", "--yes", flag, "other.journal"]);
        vescli.code(2).stderr_contains("other.journal would replace the journal of another list").run();
        assert_eq!(fs::read(first.folder.join("other.journal")).unwrap(), journal);
        assert_clean(&first.folder);
    }
    assert_eq!(server.count(), 2);
}

#[test]
fn what_cannot_be_written_is_found_before_anyone_is_mailed() {
    let server = Server::http().uncalled().start();
    for flag in ["--junit", "--metrics"] {
        for (path, code, text) in [
            ("missing/out", 74, "missing/out: cannot be written: No such file or directory; nothing was sent\n"),
            ("list.txt/out", 74, "cannot be written: Not a directory; nothing was sent\n"),
            (".", 74, "cannot be written: it is not a regular file; nothing was sent\n"),
            ("/dev/null", 74, "cannot be written: it is not a regular file; nothing was sent\n"),
            ("list.txt", 2, "would replace another file of this run\n"),
            ("./link", 2, "would replace another file of this run\n"),
            ("j", 2, "would replace another file of this run\n"),
        ] {
            let vescli = bulk(&server, 1);
            std::os::unix::fs::symlink("list.txt", vescli.folder().join("link")).unwrap();
            let refused = vescli.args(["--journal", "j", flag, path]).code(code).stdout("").stderr_contains(text).run();
            assert_clean(&refused.folder);
            assert_eq!(read(&refused, "list.txt"), super::lines(1));
            assert!(!refused.folder.join("j").exists());
        }
    }
    bulk(&server, 1).args(["--junit", "out", "--metrics", "./out"]).code(2).stdout("").run();
    let planned = with_reports(bulk(&server, 1)).arg("--dry-run").run();
    assert!(!planned.folder.join("out.xml").exists() && !planned.folder.join("out.prom").exists());
    assert_clean(&planned.folder);
}

#[test]
fn a_file_that_is_lost_during_the_run_is_a_warning_and_changes_no_exit_code() {
    for (status, code) in [(200, 0), (404, 10)] {
        let vescli = Vescli::new();
        let gone = vescli.folder().join("gone");
        fs::create_dir(&gone).unwrap();
        let lost = gone.clone();
        let answer = move || {
            // The folder goes while the request is under way.
            fs::remove_dir_all(&lost).unwrap();
            Answer::status(status).body("{}")
        };
        let server = Server::http().choose(move |_| answer()).start();
        let output = super::again_on(vescli.file("list.txt", super::lines(1)), &server)
            .args(["-q", "--junit", "gone/out", "--metrics", "kept.prom"])
            .code(code)
            .stderr_contains("warning: the file of --junit could not be written: No such file or directory\n")
            .run();
        assert!(!gone.exists());
        assert!(read(&output, "kept.prom").contains(&format!("}} {code}\n")));
    }
}

#[test]
fn foreign_text_breaks_neither_file() {
    let server = Server::http().start();
    let name = "a&\"<b>\\\u{1}.csv";
    let output = Vescli::new()
        .file(name, "email,cname\na&b'<\">@x,\na@b.co,one\nA@b.co,two\na b,\n\u{ffff}@x,\n")
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", name, "--yes", "--rate", "none", "--allow-any-email", "--skip-invalid"])
        .args(["--junit", "out.xml", "--metrics", "out.prom"])
        .any_ending()
        .stdout_contains("")
        .stderr_contains("")
        .run();
    let names: Vec<String> = junit(&output).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"a&b'<\">@x (cname example-corp)".to_owned()), "{names:?}");
    assert!(names.contains(&"a@b.co (cname one)".to_owned()), "{names:?}");
    assert!(names.contains(&"A@b.co (cname two)".to_owned()), "{names:?}");
    let text = read(&output, "out.prom");
    assert!(text.contains(r#",list="a&\"<b>\\\\u{1}.csv""#), "{text}");
}

#[test]
fn a_row_that_cannot_be_used_is_a_case_that_was_skipped() {
    let server = Server::http().start();
    let output = bulk(&server, 1).file("list.txt", "a0@example.com\nno & address\n").arg("--skip-invalid");
    let output = with_reports(output).run();
    let cases = junit(&output);
    assert_eq!(cases[0], case(0, ""));
    assert_eq!(cases[1].0, "line 2");
    assert!(cases[1].1.starts_with("skipped invalid: "), "{cases:?}");
}
