//! `bulk`: plans, rows and summaries, however a run ends, and the records of its journals.

use std::fs;
use std::path::{Path, PathBuf};

use support::harness::{Output, Vescli};
use support::server::{Answer, Moment, Server};

use super::collection::{Collection, prepared};

/// Four people, of whom the last one has another cname too; a repeated row, and a column that is not for vescli.
const LIST: &str = "\
email,cname,team\nada@example.com,,x\nbob@example.com,,x\ncy@example.com,,x\ndee@example.com,,x\n\
ADA@example.com,,x\ndee@example.com,other,x\n";

fn answers() -> [Answer; 5] {
    [
        Answer::accepted(),
        Answer::status(409).body("\"conflict\""),
        Answer::status(502),
        Answer::status(429).header("Retry-After", "2"),
        Answer::status(400).body(r#"{"code":3,"message":"no"}"#),
    ]
}

pub(crate) fn with(vescli: Vescli, server: &Server) -> Vescli {
    vescli
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .env("VESCLI_RETRIES", "0")
        .env("VESCLI_JOBS", "1")
        .env("USER", "ada")
        .env("CI_JOB_URL", "https://ci.example/job/7")
}

/// A run whose rows end in several ways, with its folder.
pub(crate) fn mixed(all: &mut Collection) -> (Server, Output) {
    let server = Server::http().answers(answers()).start();
    let output = all.run(with(Vescli::new().file("list.csv", LIST), &server), "bulk list.csv --yes --rate none", 11);
    (server, output)
}

/// The journals of a run.
pub(crate) fn journals(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join(".local/state/vescli")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "ndjson")).collect()
}

pub(crate) fn collect(all: &mut Collection) {
    all.run(Vescli::new(), "bulk missing.csv --tenant t --yes", 66);
    all.run(Vescli::new().file("list.csv", "nobody\n"), "bulk list.csv --tenant t --yes", 65);
    several_times(all);
    stopped(all);
    signalled(all);
    limited(all);
    declined(all);
    sharded(all);
    of_version_1(all);
}

fn several_times(all: &mut Collection) {
    let server = Server::http().answers(answers()).start();
    let vescli = Vescli::new().file("list.csv", LIST);
    let first = all.run(with(vescli, &server), "bulk list.csv --dry-run", 0);
    let again = || with(first.again(), &server).file("other.txt", "cy@example.com\nada@example.com\neve@example.com\n");
    all.run(again(), "bulk list.csv", 2);
    all.run(again(), "bulk list.csv --yes --rate none --max-retry-after 1s", 12);
    all.run(again(), "bulk list.csv --yes --rate none", 11);
    all.run(again(), "bulk list.csv --yes --rate none", 11);
    all.run(again(), "bulk list.csv --dry-run --limit 1 --retry-rejected", 0);
    all.run(again(), "bulk other.txt --yes", 65);
    all.run(again(), "bulk other.txt --dry-run --known skip", 0);
    all.run(again(), "bulk other.txt --yes --known skip --rate none", 11);
    for journal in journals(&first.folder) {
        all.add_lines("vescli.journal-record-2", &journal);
    }
}

fn stopped(all: &mut Collection) {
    let server = Server::http().answer(Answer::status(401)).start();
    all.run(with(Vescli::new().file("list.csv", LIST), &server), "bulk list.csv --yes --rate none", 12);
    let server = Server::http().answer(Answer::status(302).header("Location", "https://login.invalid/")).start();
    all.run(with(Vescli::new().file("list.csv", LIST), &server), "bulk list.csv --yes --rate none", 12);
    let server = Server::http().answers([Answer::accepted(), Answer::status(409)]).start();
    let rejected = with(Vescli::new().file("list.txt", "a@b.co\nb@b.co\n"), &server);
    all.run(rejected, "bulk list.txt --yes --rate none", 10);
    let server = Server::http().uncalled().start();
    let script = format!("ulimit -f 0 && exec {} --json bulk list.csv --yes", support::program());
    let output = with(Vescli::program("/bin/bash").file("list.csv", LIST), &server)
        .args(["-c", &format!("{script} | cat; exit ${{PIPESTATUS[0]}}")])
        .any_ending()
        .stdout_contains("")
        .stderr_contains("")
        .run();
    all.add("bulk list.csv --yes", &output, 74);
}

/// A run that has the journal, and then gets a signal.
fn signalled(all: &mut Collection) {
    let server = Server::http().answer(Answer::stall(Moment::Whole)).start();
    let vescli = with(Vescli::new().file("list.csv", LIST), &server).env("VESCLI_TIMEOUT", "2s");
    let folder = vescli.folder().to_owned();
    let line = "bulk list.csv --yes --rate none";
    let running = prepared(vescli, line).start();
    server.wait_for(1);
    let second = with(Vescli::new().file("list.csv", LIST), &server).env("XDG_STATE_HOME", folder.join(".local/state"));
    let journal = &journals(&folder)[0];
    all.run(second, &format!("{line} --journal {}", journal.display()), 75);
    running.signal("TERM");
    all.add(line, &running.finish(), 143);
}

fn limited(all: &mut Collection) {
    let server = Server::http().start();
    let output = all.run(
        with(Vescli::new().file("list.csv", LIST.to_owned() + "nonsense\n"), &server),
        "bulk list.csv --yes --rate none --limit 2 --skip-invalid",
        0,
    );
    all.run(with(output.again(), &server), "bulk list.csv --yes --rate none --skip-invalid", 0);
    all.run(with(output.again(), &server), "bulk list.csv --yes --rate none --skip-invalid", 0);
}

/// Somebody at a terminal, which `script` makes, says no.
fn declined(all: &mut Collection) {
    let server = Server::http().uncalled().start();
    let line = format!("{} --json bulk list.csv >out.json; echo $? >code", support::program());
    let output = with(Vescli::program("script").file("list.csv", LIST), &server)
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .stdin("n\n")
        .any_ending()
        .stdout_contains("")
        .run();
    let read = |name: &str| fs::read_to_string(output.folder.join(name)).unwrap();
    all.add_printed("bulk list.csv", &read("out.json"), read("code").trim().parse().unwrap());
}

fn sharded(all: &mut Collection) {
    let server = Server::http().start();
    let output =
        all.run(with(Vescli::new().file("list.csv", LIST), &server), "bulk list.csv --yes --rate none --shard 1/1", 0);
    all.run(with(output.again(), &server), "bulk list.csv --dry-run --shard 1/1", 0);
    all.add_lines("vescli.journal-record-2", &journals(&output.folder)[0]);
}

/// A journal of the first version of the format is continued in that version.
fn of_version_1(all: &mut Collection) {
    let server = Server::http().start();
    let vescli = with(Vescli::new().file("list.csv", LIST), &server);
    let url = format!("{}/no_auth/send_password_email", server.url());
    let sha = "0".repeat(64);
    let run = format!(
        r#"{{"v":1,"t":"run","id":"1","url":"{url}","tenant":"example-corp","input_sha256":"{sha}","rows":1,"vescli":"0.0.1","at":"2026-01-02T03:04:05.678Z""#
    );
    let crc = crc32fast::hash(run.as_bytes());
    let vescli = vescli.file("journal.ndjson", format!("{run},\"crc\":\"{crc:08x}\"}}\n"));
    let output = all.run(vescli, "bulk list.csv --yes --rate none --journal journal.ndjson", 0);
    all.add_lines("vescli.journal-record-2", &output.folder.join("journal.ndjson"));
}
