//! `vescli journal repair`: a damaged journal becomes usable again, and people who may be on a damaged line are not mailed
//! until the user decides.

use std::fs;
use std::path::{Path, PathBuf};

use vescli::api::outcome::Outcome;
use vescli::bulk::journal::{Journal, OpenMode, RowState, inspect, key, service_of};

use crate::journal::{at, header, journal, rows};
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

fn lines(count: usize) -> String {
    let row = |row| format!("a{row}@example.com");
    (0..count).map(|number| row(number) + "\n").collect()
}

fn bulk(vescli: Vescli, server: &Server) -> Vescli {
    vescli
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", "list.txt", "--yes", "--rate", "none", "--jobs", "1"])
        .stdout_contains("")
        .stderr_contains("")
}

/// A run that mailed three people of five.
fn three_of_five(server: &Server) -> Output {
    bulk(Vescli::new().file("list.txt", lines(5)), server).args(["--limit", "3"]).run()
}

fn the_journal(output: &Output) -> PathBuf {
    let folder = output.folder.join(".local/state/vescli");
    let files = fs::read_dir(folder).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "ndjson")).unwrap()
}

/// Changes the journal line by line; `None` overwrites the line with zeros.
fn damage(journal: &Path, change: impl Fn(&str) -> Option<String>) {
    let text = fs::read_to_string(journal).unwrap();
    let damaged = text.lines().map(|line| {
        let zeros = "\0".repeat(line.len());
        change(line).unwrap_or(zeros) + "\n"
    });
    let damaged: String = damaged.collect();
    assert_ne!(damaged, text);
    fs::write(journal, damaged).unwrap();
}

fn repair(output: &Output) -> Vescli {
    output.again().args(["journal", "repair", "list.txt", "--list", "list.txt"])
}

/// Only the first run is refused; then `who` is sent, and no one is mailed twice.
fn mailed_in_the_end(server: &Server, output: &Output, code: u8, sent: &[usize]) {
    let before = server.count();
    bulk(output.again(), server).code(code).run();
    let requests = server.requests();
    let mut emails: Vec<String> =
        requests[before..].iter().map(|request| request.json()["email"].as_str().unwrap().to_owned()).collect();
    emails.sort();
    let expected: Vec<String> = sent.iter().map(|row| format!("a{row}@example.com")).collect();
    assert_eq!(emails, expected);
}

#[test]
fn a_damaged_line_with_a_readable_person_makes_only_that_person_unknown() {
    let server = Server::http().start();
    let output = three_of_five(&server);
    let path = the_journal(&output);
    // A bit of the acceptance of a1 is turned, and of the intent of a2, whose end still names a2.
    damage(&path, |line| {
        let is_hit = line.contains("\"accepted\"") && line.contains("a1@")
            || line.contains("\"intent\"") && line.contains("a2@");
        Some(if is_hit { line.replace("\"at\":\"2", "\"at\":\"3") } else { line.to_owned() })
    });
    let before = fs::read(&path).unwrap();
    bulk(output.again(), &server).code(65).stderr_contains("journal repair").run();
    let repaired = repair(&output)
        .stdout_contains("repaired: ")
        .stdout_contains("2 damaged lines removed")
        .stdout_contains("no one became unknown: run the bulk command again to continue\n")
        .run();
    let old = repaired.stdout.split("the old file is ").nth(1).unwrap();
    assert_eq!(fs::read(old.lines().next().unwrap()).unwrap(), before);
    // a1 has an intent and no end: unknown, as before the repair. a2 is accepted.
    output
        .again()
        .args(["journal", "show", "list.txt"])
        .stdout_contains("2 accepted, 0 rejected, 0 not_sent, 1 unknown")
        .stdout_contains("a1@example.com")
        .run();
    mailed_in_the_end(&server, &output, 11, &[3, 4]);
    repair(&output).stdout_contains("valid, nothing to repair\n").run();
}

#[test]
fn an_unreadable_line_of_a_shard_belongs_to_someone_of_it() {
    let server = Server::http().start();
    let output = bulk(Vescli::new().file("list.txt", lines(40)), &server).args(["--shard", "1/2"]).run();
    assert!((2..40).contains(&server.count()), "{}", server.count());
    let hit = server.requests()[0].json()["email"].as_str().unwrap().to_owned();
    damage(&the_journal(&output), |line| (!line.contains(&format!("\"{hit}\""))).then(|| line.to_owned()));
    repair(&output)
        .arg("--json")
        .stdout_json(move |report| {
            let unknown = report["unknown"].as_array().unwrap();
            assert_eq!(unknown.len(), 1, "{unknown:?}");
            assert_eq!(unknown[0]["email"], hit);
        })
        .run();
}

#[test]
fn an_unreadable_line_may_belong_to_anyone() {
    let server = Server::http().start();
    let output = three_of_five(&server);
    let path = the_journal(&output);
    // The intent of a2 and its end are zeros: they could be anyone's.
    damage(&path, |line| (!line.contains("a2@")).then(|| line.to_owned()));
    repair(&output)
        .arg("--json")
        .stdout_json(|report| {
            assert_eq!(report["schema"], "vescli.journal-repair/1");
            assert_eq!(report["damaged_lines"].as_array().unwrap().len(), 2);
            assert_eq!(report["unreadable_lines"], report["damaged_lines"]);
            let unknown = report["unknown"].as_array().unwrap();
            let emails: Vec<&str> = unknown.iter().map(|person| person["email"].as_str().unwrap()).collect();
            assert_eq!(emails, ["a2@example.com", "a3@example.com", "a4@example.com"]);
        })
        .run();
    mailed_in_the_end(&server, &output, 11, &[]);
    output
        .again()
        .args(["journal", "resolve", "list.txt", "--as", "not_sent"])
        .args(["-e", "a3@example.com", "-e", "a4@example.com"])
        .stdout_contains("a3@example.com (cname example-corp) as not_sent; the next run sends it again\n")
        .stdout_contains("a4@example.com")
        .run();
    mailed_in_the_end(&server, &output, 11, &[3, 4]);
    assert_eq!(server.count(), 5);
}

#[test]
fn damage_of_every_single_line_is_repaired_and_mails_no_one_again() {
    let answers = Answer::status(500);
    let server = Server::http().answer(answers).start();
    let output = bulk(Vescli::new().file("list.txt", lines(3)), &server).args(["--limit", "2"]).code(11).run();
    let path = the_journal(&output);
    let intact = fs::read_to_string(&path).unwrap();
    let count = intact.lines().count();
    for hit in 0..count - 1 {
        for zeros in [false, true] {
            let lines = intact.lines().enumerate().map(|(number, line)| {
                let damaged = match (number == hit, zeros) {
                    (false, _) => line.to_owned(),
                    (true, true) => "\0".repeat(line.len()),
                    (true, false) => line.replacen(':', ";", 3),
                };
                damaged + "\n"
            });
            fs::write(&path, lines.collect::<String>()).unwrap();
            repair(&output).env("VESCLI_TENANT", "example-corp").against(&server).stdout_contains("repaired: ").run();
            // Two may have been mailed; the third is sent unless a line that shows nothing may be theirs.
            let before = server.count();
            bulk(output.again(), &server).args(["--retries", "0"]).code(11).run();
            let mailed = server.requests();
            for request in &mailed[before..] {
                assert_eq!(request.json()["email"], "a2@example.com", "line {hit}");
            }
        }
    }
}

#[test]
fn repair_asks_for_its_required_arguments() {
    let damaged = |folder: &Path| {
        let path = at(folder, "a.ndjson");
        rows(&path, &[("ada", "acme", Some((Outcome::Accepted, Some(200))))]);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("ada", "bda", 1)).unwrap();
    };
    let output = journal(&["repair"], damaged)
        .code(2)
        .stderr("error: --list is missing\n  hint: name the list of the run: it shows who may be on a damaged line\n")
        .run();
    output.again().args(["journal", "repair", "--list", "none.csv"]).code(66).stderr_contains("none.csv").run();
    let before = fs::read(at(&output.folder, "a.ndjson")).unwrap();
    output
        .again()
        .file("bad.csv", "name\nx\n")
        .args(["journal", "repair", "--list", "bad.csv"])
        .code(65)
        .stderr_contains("bad.csv")
        .run();
    assert_eq!(fs::read(at(&output.folder, "a.ndjson")).unwrap(), before);
}

/// As vescli 0.1.0 wrote it.
fn version_1() -> String {
    let (url, at) = (header(0).url, "2026-01-01T00:00:00.000Z");
    let sealed = |record: String| {
        let crc = crc32fast::hash(record.as_bytes());
        format!("{record},\"crc\":\"{crc:08x}\"}}\n")
    };
    // Keys of SHA-256 over the URL, the cname and the address, made with Python's hashlib.
    let (ada, bob) = (ADA, BOB);
    [
        format!(r#"{{"v":1,"t":"run","id":"1","url":"{url}","tenant":"acme","input_sha256":"0","rows":2,"vescli":"0.1.0","at":"{at}""#),
        format!(r#"{{"t":"intent","key":"{ada}","row":1,"email":"ada@example.com","cname":"acme","attempt":1,"at":"{at}""#),
        format!(r#"{{"t":"intent","key":"{bob}","row":2,"email":"bob@example.com","cname":"acme","attempt":1,"at":"{at}""#),
        format!(r#"{{"t":"accepted","key":"{ada}","attempt":1,"status":200,"at":"{at}""#),
    ]
    .map(sealed)
    .concat()
}

const ADA: &str = "fa1541429b4e71b44da546c924f22f98";
const BOB: &str = "1974764860051b45b020c78109fcc4a6";

#[test]
fn a_journal_of_the_first_version_is_read_resolved_and_repaired() {
    let write = |folder: &Path, text: &str| {
        fs::create_dir_all(at(folder, "")).unwrap();
        let path = at(folder, "users.csv-0123456789abcdef.ndjson");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    let output = journal(&["show", "users.csv"], |folder| write(folder, &version_1()))
        .stdout_contains("1 accepted, 0 rejected, 0 not_sent, 1 unknown")
        .stdout_contains("bob@example.com")
        .run();
    output
        .again()
        .args(["journal", "resolve", "-e", "bob@example.com", "--as", "accepted"])
        .stdout_contains("bob@example.com")
        .run();
    output.again().args(["journal", "show"]).stdout_contains("2 accepted").run();
    write(&output.folder, &version_1().replacen("ada@", "bda@", 1));
    output
        .again()
        .file("users.csv", "email\nada@example.com\nbob@example.com\n")
        .args(["journal", "repair", "users.csv", "--list", "users.csv", "--cname", "acme"])
        .stdout_contains("1 damaged line removed")
        .run();
    output
        .again()
        .args(["journal", "show", "users.csv"])
        .stdout_contains("1 accepted, 0 rejected, 0 not_sent, 1 unknown")
        .run();
}

#[test]
fn people_of_the_first_version_stay_known_when_the_beginning_is_damaged_and_another_run_follows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ndjson");
    fs::write(&path, version_1()).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    drop(Journal::open(&path, OpenMode::Resume, &header(0)).unwrap());
    let intact = fs::read_to_string(&path).unwrap();
    let list = "email\nada@example.com\nbob@example.com\ncy@example.com\n";
    let service = service_of(&header(0).url);
    // One digit is wrong; or nothing is left of the line, so that it could be anyone's.
    for (first, cy) in [
        (intact.lines().next().unwrap().replace("\"2026-", "\"2027-"), None),
        ("\0".repeat(40), Some(Outcome::Unknown)),
    ] {
        let (_, rest) = intact.split_once('\n').unwrap();
        fs::write(&path, format!("{first}\n{rest}")).unwrap();
        Vescli::new()
            .file("users.csv", list)
            .args(["journal", "repair"])
            .arg(path.to_str().unwrap())
            .args(["--list", "users.csv", "--cname", "acme"])
            .stdout_contains("1 damaged line removed")
            .run();
        let recovered = inspect(&path).unwrap().recovered;
        let outcome = |email| {
            let state = recovered.state(key(&service, "acme", email));
            state.map(RowState::effective)
        };
        assert_eq!(outcome("ada@example.com"), Some(Outcome::Accepted), "{first:?}");
        assert_eq!(outcome("bob@example.com"), Some(Outcome::Unknown), "{first:?}");
        assert_eq!(outcome("cy@example.com"), cy, "{first:?}");
    }
}
