//! What an auditor asks a journal: who ran it, and the outcome of each person.

use std::fs::{self, OpenOptions};
use std::io::Write;

use vescli::api::outcome::Outcome;
use vescli::bulk::journal::OpenMode;
use vescli::bulk::journal::{Author, End, Intent, Journal, Person, RunHeader, key, service_of};

use crate::journal::{URL, at, header, journal, usual};
use support::harness::{Output, Vescli};
use support::server::Server;

/// A run over one person, by Ada on a runner of GitHub.
fn run(server: &Server) -> Output {
    Vescli::new()
        .file("list.txt", "ada@example.com\n")
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .env("USER", "a\u{1b}da")
        .env("GITHUB_REPOSITORY", "acme/boarding")
        .env("GITHUB_RUN_ID", "17")
        .args(["bulk", "list.txt", "--yes", "--rate", "none"])
        .stdout_contains("")
        .stderr_contains("")
        .run()
}

#[test]
fn a_journal_says_who_ran_it() {
    const JOB: &str = "https://github.com/acme/boarding/actions/runs/17";

    let server = Server::http().start();
    let output = run(&server);
    output
        .again()
        .args(["journal", "show"])
        .stdout_contains(" with 1 row\n")
        .stdout_contains("run by    a\\u{1b}da, host ")
        .stdout_contains(format!(", job {JOB}, vescli {}\n", env!("CARGO_PKG_VERSION")))
        .stdout_lacks("\u{1b}")
        .run();
    output
        .again()
        .args(["journal", "show", "--json"])
        .stdout_json(|shown| {
            let run = &shown["runs"][0];
            assert_eq!((&run["user"], &run["job"]), (&"a\u{1b}da".into(), &JOB.into()));
            assert!(run["host"].as_str().is_some_and(|host| !host.is_empty()));
        })
        .run();
}

/// The cells of the export as a CSV reader sees them, without the times and the ids of the runs.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let steady = |(index, cell): (usize, &str)| match index {
        3 if cell.ends_with('Z') => "AT".to_owned(),
        8 if cell.len() == 16 => "RUN".to_owned(),
        _ => cell.to_owned(),
    };
    reader.records().map(|row| row.unwrap().iter().enumerate().map(steady).collect()).collect()
}

const HEADINGS: &str = "email,cname,outcome,at,status,attempts,resolved,row,run,user,host,job\n";
const NAMELESS: &str = "warning: user, host and job of 1 run are missing: an older vescli did not write them down\n";

#[test]
fn everyone_is_exported_with_their_outcome() {
    let output = journal(&["resolve", "--email", "eve@example.com", "--as", "accepted"], |folder| {
        usual(&at(folder, "a.ndjson"));
    })
    .stdout_contains("")
    .run();
    // The unfinished end of a run that is at work, or was killed.
    let path = at(&output.folder, "a.ndjson");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"t\":\"intent\",\"key\"").unwrap();
    let bytes = fs::read(&path).unwrap();
    let exported = output.again().args(["journal", "export"]).stdout_contains(HEADINGS).stderr(NAMELESS).run();
    let row = |name: &str, outcome: &str, status: &str, resolved: &str, row: &str| {
        let email = format!("{name}@example.com");
        [&email, "acme", outcome, "AT", status, "1", resolved, row, "RUN", "", "", ""].map(str::to_owned).to_vec()
    };
    let expected = [
        row("ada", "accepted", "200", "false", "2"),
        row("bob", "rejected", "409", "false", "3"),
        row("cy", "not_sent", "", "false", "4"),
        row("dee", "unknown", "502", "false", "5"),
        row("eve", "accepted", "", "true", "6"),
        row("fay", "accepted", "200", "false", "7"),
    ];
    assert_eq!(cells(&exported.stdout)[1..], expected);
    let csv = output.again().args(["journal", "export", "--csv"]).env("VESCLI_OUTPUT", "json");
    assert_eq!(csv.stdout_contains(HEADINGS).stderr(NAMELESS).run().stdout, exported.stdout);
    let json = output.again().args(["journal", "export", "--json", "-q"]).stdout_contains("").run().stdout;
    let people: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(people.len(), 6);
    assert_eq!(people[4]["schema"], "vescli.journal-person/1");
    assert_eq!((&people[4]["email"], &people[4]["resolved"]), (&"eve@example.com".into(), &true.into()));
    assert_eq!((&people[3]["status"], &people[3]["user"]), (&502.into(), &serde_json::Value::Null));
    assert_eq!(fs::read(&path).unwrap(), bytes, "an export changes nothing");
}

#[test]
fn no_exported_cell_is_a_formula_and_a_journal_in_use_is_exported() {
    let output = journal(&["list"], |_| ()).stdout_contains("").run();
    let path = at(&output.folder, "a.ndjson");
    let author = Author { user: Some("@SUM(A1)".to_owned()), host: Some("-2\u{1b}".to_owned()), job: None };
    let (journal, _) = Journal::open(&path, OpenMode::Resume, &RunHeader { author, ..header(2) }).unwrap();
    let (writer, handle) = journal.write::<()>().unwrap();
    let email = "=1+1@example.com";
    let person = Person { key: key(&service_of(URL), "+acme,\"x\"", email), email, cname: "+acme,\"x\"" };
    handle.intend(&Intent { person, row: 1, attempt: 1 }).unwrap();
    let export = || output.again().args(["journal", "export"]).stdout_contains(HEADINGS).run().stdout;
    let row = |outcome: &str, status: &str| {
        let cells = ["'=1+1@example.com", "'+acme,\"x\"", outcome, "AT", status, "1", "false", "1", "RUN"];
        cells.into_iter().chain(["'@SUM(A1)", "'-2\\u{1b}", ""]).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(cells(&export())[1..], [row("unknown", "")]);
    let end = End { attempt: 1, outcome: Outcome::Accepted, status: Some(200), due: false };
    handle.conclude(&person, &end, None);
    writer.close().unwrap();
    assert_eq!(cells(&export())[1..], [row("accepted", "200")]);
}

/// Two runs: the second one sends to the people whom the first one did not reach.
#[test]
fn the_last_attempt_is_exported_with_its_own_run_and_the_time_of_its_end() {
    let output = journal(&["list"], |_| ()).stdout_contains("").run();
    let path = at(&output.folder, "a.ndjson");
    let write = |user: &str, attempts: &[(&str, u64, Outcome, Option<u16>)]| {
        let author = Author { user: Some(user.to_owned()), ..Author::default() };
        let (journal, _) = Journal::open(&path, OpenMode::Resume, &RunHeader { author, ..header(2) }).unwrap();
        let (writer, handle) = journal.write::<()>().unwrap();
        for &(email, attempt, outcome, status) in attempts {
            let person = Person { key: key(&service_of(URL), "acme", email), email, cname: "acme" };
            handle.intend(&Intent { person, row: attempt, attempt }).unwrap();
            // Records have milliseconds, and the time of the end has to differ from that of its intent.
            std::thread::sleep(std::time::Duration::from_millis(2));
            handle.conclude(&person, &End { attempt, outcome, status, due: false }, None);
        }
        writer.close().unwrap();
    };
    let (ada, bob) = ("ada@example.com", "bob@example.com");
    let late = (ada, 1, Outcome::NotSent, None);
    write("eve", &[late, (bob, 1, Outcome::Accepted, Some(200)), (ada, 2, Outcome::Rejected, Some(429))]);
    write("mallory", &[(ada, 3, Outcome::Accepted, Some(202))]);

    let records = fs::read_to_string(&path).unwrap();
    let records: Vec<serde_json::Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_kind = |kinds: &'static [&str]| {
        let is_of_kind = move |record: &&serde_json::Value| kinds.contains(&record["t"].as_str().unwrap());
        records.iter().filter(is_of_kind).collect::<Vec<_>>()
    };
    let (runs, accepted) = (of_kind(&["run"]), of_kind(&["accepted"]));
    assert_eq!((runs.len(), accepted.len()), (2, 2));
    let exported = output.again().args(["journal", "export", "--json"]).stdout_contains("").run().stdout;
    let people: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [(bob, "eve", 1, 200, 0), (ada, "mallory", 3, 202, 1)];
    assert_eq!(people.len(), expected.len());
    for (person, (email, user, attempts, status, run)) in people.iter().zip(expected) {
        let shown = ["email", "user", "attempts", "status", "row", "run", "at"].map(|name| &person[name]);
        let (run, at) = (&runs[run]["id"], &accepted[run]["at"]);
        let expected = serde_json::json!([email, user, attempts, status, attempts, run, at]);
        assert_eq!(serde_json::json!(shown), expected);
    }
}
