//! Lists and flags that cannot be used: refused before the first mail.

use super::{again_on, each_once, lines, mailed};
use support::harness::Vescli;
use support::server::Server;

fn refused(list: &str, args: &[&str], code: u8, text: &str) {
    let server = Server::http().uncalled().start();
    Vescli::new()
        .file("list.csv", list)
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .arg("bulk")
        .args(args)
        .code(code)
        .stderr_contains(text)
        .run();
}

#[test]
fn unusable_lists_are_refused_before_the_first_request() {
    let good = "email\na@b.co\n";
    for (list, args, code, text) in [
        (good, &["missing.csv", "--yes"][..], 66, "there is no file missing.csv"),
        (
            good,
            &["list.csv"],
            2,
            "cannot ask for confirmation: standard input is not a terminal; 1 person would be mailed",
        ),
        (
            good,
            &["list.csv", "--yes", "--rate", "fast"],
            2,
            "--rate: `fast` is not a rate: write 30/m, 30/min, 30 (a minute) or 0.5/s",
        ),
        (good, &["list.csv", "--yes", "--jobs", "0"], 2, "--jobs: `0` is out of range"),
        (good, &["-", "--yes", "--token-file", "-"], 2, "both the token and the list"),
        ("email\na@b.co\nbad\n", &["list.csv", "--yes"], 65, "line 3: the address `bad` has no @"),
        ("email,tenant\na@b.co,x\n", &["list.csv", "--yes"], 65, "one run is for one tenant"),
        ("name\nada\n", &["list.csv", "--yes"], 65, "no column is called `email`"),
        ("", &["list.csv", "--yes"], 65, "the list contains no rows"),
        (good, &["list.csv", "--yes", "--format", "ndjson"], 65, "line 1"),
    ] {
        refused(list, args, code, text);
    }
}

#[test]
fn invalid_rows_can_be_skipped() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("list.txt", "a0@example.com\nbad\na1@example.com\n");
    again_on(vescli, &server)
        .arg("--skip-invalid")
        .stderr_contains("warning: 1 row that cannot be used is left out: line 2: the address `bad` has no @")
        .stderr_contains("1 row that cannot be used left out")
        .run();
    assert_eq!(mailed(&server), each_once(2));
}

#[test]
fn skipped_rows_are_counted_even_with_quiet() {
    let list = "a0@example.com\nbad\na1@example.com\nworse\n";
    let warning = "warning: 2 rows that cannot be used are left out: line 2: the address `bad` has no @: an address looks like name@example.com (and 1 more)\n";
    for flags in [&[][..], &["-q"], &["--json"], &["--json", "-q"], &["-n", "-q"]] {
        let server = Server::http();
        let server = if flags.contains(&"-n") { server.uncalled() } else { server }.start();
        let vescli = Vescli::new().file("list.txt", list);
        let first = again_on(vescli, &server).arg("--skip-invalid").args(flags).stderr_contains(warning).run();
        assert_eq!(first.stderr.matches(warning).count(), 1, "{}", first.stderr);
        if flags.contains(&"-n") {
            continue;
        }
        if flags.is_empty() {
            let summary = "the list: 2 accepted of 2 rows; 2 rows that cannot be used left out\n";
            assert!(first.stdout.contains(summary), "{}", first.stdout);
        }
        again_on(first.again(), &server).arg("--skip-invalid").args(flags).stderr_contains(warning).run();
        assert_eq!(mailed(&server), each_once(2));
    }
}

#[test]
fn a_list_from_standard_input_is_sent_and_resumed() {
    let server = Server::http().start();
    let piped = |vescli: Vescli| {
        vescli
            .stdin(lines(3))
            .against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .args(["bulk", "-", "--yes", "--rate", "none"])
            .stdout_contains("")
            .stderr_contains("")
    };
    let first = piped(Vescli::new()).stderr_contains("list      standard input (lines), 3 rows\n").run();
    piped(first.again()).stdout_contains("nothing left to send").run();
    assert_eq!(mailed(&server), each_once(3));
}

#[test]
fn rows_with_a_cname_of_their_own_are_sent_with_it() {
    let server = Server::http().start();
    let vescli = Vescli::new().file("list.txt", "email,cname\na0@example.com,\na1@example.com,own\n");
    again_on(vescli, &server).args(["--jobs", "1"]).run();
    let cnames: Vec<_> =
        server.requests().iter().map(|request| request.json()["cname"].as_str().unwrap().to_owned()).collect();
    assert_eq!(cnames, ["example-corp", "own"]);
}
