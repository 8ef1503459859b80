//! Every end of a run that is not 0 names the one command to run next, and that command works as it is printed. Each is
//! run here by a shell.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{address, bulk, each_once, holding, lines, mailed};
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

/// The command that was printed behind `next: `.
fn printed(output: &Output) -> String {
    let mut lines = output.stderr.lines().chain(output.stdout.lines());
    let line = lines.find_map(|line| line.strip_prefix("next: "));
    line.expect("the command to run next").to_owned()
}

/// The command that a hint names.
fn hinted(output: &Output) -> String {
    let hint = output.stderr.lines().find(|line| line.starts_with("  hint: "));
    let text = hint.expect("a hint").split('`').nth(1);
    text.expect("a command in the hint").to_owned()
}

/// Runs a command as it was printed, in the folder of the run that printed it.
fn typed(output: &Output, server: &Server, command: &str) -> Vescli {
    output
        .again_with("/bin/bash")
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .env("PATH", format!("{}:/usr/bin:/bin", support::program_folder()))
        .args(["-c", command])
        .stdout_contains("")
        .stderr_contains("")
}

/// Answers the first requests like that, and accepts all others.
fn at_first(times: usize, answer: Answer) -> Server {
    let count = AtomicUsize::new(0);
    let choose = move |_: &support::server::Recorded| {
        if count.fetch_add(1, Ordering::Relaxed) < times { answer.clone() } else { Answer::accepted() }
    };
    Server::http().choose(choose).start()
}

#[test]
fn after_rejections_stops_and_waits_the_command_sends_the_rest() {
    for (times, status, flags, code, command) in [
        (1, 401, &["--jobs", "1"][..], 12, "--jobs 1"),
        (3, 404, &["--jobs", "1", "--max-failures", "3"], 12, "--retry-rejected"),
        (1, 404, &["--jobs", "1"], 10, "--retry-rejected"),
        (1, 429, &["--jobs", "1", "--retries", "0"], 10, "--retries 0"),
        (1, 404, &["--jobs", "1", "--limit", "4"], 10, "--limit 4"),
    ] {
        let server = at_first(times, Answer::status(status));
        let output = bulk(&server, 6).args(flags).code(code).run();
        let next = printed(&output);
        assert!(next.ends_with(command), "{status}: {next}");
        if flags.contains(&"--limit") {
            // The row that was rejected is left alone, by this one too.
            typed(&output, &server, &next).code(10).run();
            assert_eq!(mailed(&server), each_once(6));
        } else {
            let last = typed(&output, &server, &next).run();
            assert!(last.stdout.contains(": 6 accepted"), "{}", last.stdout);
        }
    }
}

#[test]
fn the_suggested_command_skips_people_known_from_other_lists() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    let second = first.again().file("other.txt", lines(4)).against(&server);
    let second = second
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", "other.txt", "--yes", "--rate", "none"])
        .code(65)
        .stderr_contains("")
        .run();
    let command = hinted(&second);
    assert!(command.ends_with(" --known skip"), "{command}");
    let last = typed(&second, &server, &command).run();
    assert!(last.stdout.contains(": 4 accepted"), "{}", last.stdout);
    assert_eq!(mailed(&server), each_once(4));
}

#[test]
fn the_document_names_the_same_command() {
    let server = at_first(1, Answer::status(404));
    let output = bulk(&server, 2).args(["--jobs", "1", "--json"]).code(10);
    let output = output
        .stdout_json_lines(|documents| {
            let command = "vescli bulk list.txt --yes --rate none --jobs 1 --json --retry-rejected";
            assert_eq!(documents.last().unwrap()["go_on"], command);
        })
        .run();
    typed(&output, &server, &printed(&output)).run();
}

#[test]
fn the_printed_commands_show_and_resolve_unknown_rows() {
    let server = at_first(1, Answer::status(500));
    let output = bulk(&server, 3).args(["--jobs", "1", "--journal", "my 'journal'.ndjson"]).code(11).run();
    let next = printed(&output);
    assert!(next.starts_with("vescli journal show "), "{next}");
    let shown = typed(&output, &server, &next).run();
    for (end, word) in [(" --as accepted", "accepted"), (" --as not-sent", "not_sent")] {
        let copy = output.folder.join("kept");
        let journal = output.folder.join("my 'journal'.ndjson");
        fs::copy(&journal, &copy).unwrap();
        let resolve = shown.stdout.lines().map(str::trim);
        let mut resolve = resolve.filter(|line| line.starts_with("vescli journal resolve "));
        let resolve = resolve.find(|line| line.ends_with(end)).expect(end);
        typed(&output, &server, resolve)
            .stdout_contains(format!("resolved: a0@example.com (cname example-corp) as {word}"))
            .run();
        fs::rename(&copy, &journal).unwrap();
    }
    assert_eq!(mailed(&server), each_once(3));
}

#[test]
fn a_signal_names_the_command_that_sends_the_rest() {
    let (server, hold) = holding();
    let running = bulk(&server, 5).args(["--jobs", "1"]).dies_by(15).start();
    hold.wait_for(1);
    running.signal("TERM");
    running.wait_for_stderr("no new requests");
    hold.release();
    let output = running.finish();
    typed(&output, &server, &printed(&output)).run();
    assert_eq!(mailed(&server), each_once(5));
}

#[test]
fn a_list_on_standard_input_is_named_by_its_file() {
    let program = support::program();
    for (input, command) in
        [("< 'my list.txt'", " --retry-rejected < '"), ("< <(cat 'my list.txt')", " --retry-rejected")]
    {
        let script = format!("{program} bulk - --yes --rate none --fresh {input}");
        let server = at_first(1, Answer::status(404));
        let output = Vescli::program("/bin/bash")
            .file("my list.txt", lines(1))
            .against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .args(["-c", &script])
            .code(10)
            .stdout_contains("")
            .stderr_contains("")
            .run();
        let text = output.stderr.lines().find(|line| line.starts_with("next"));
        let next = text.unwrap().split_once(": ").unwrap().1.to_owned();
        assert!(next.contains(command), "{next}");
        let stdin = typed(&output, &server, &next).stdin(lines(1));
        stdin.run();
        assert_eq!(mailed(&server)[&address(0)], 2);
    }
}

#[test]
fn an_error_before_sending_names_the_next_command() {
    let server = Server::http().start();
    let vescli = |list: &str, journal: &str| {
        Vescli::new()
            .file("list.txt", list)
            .file("journal", journal)
            .against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .stderr_contains("")
    };
    let bad = "a0@example.com\nbad\n";
    let output = vescli(bad, "").args(["bulk", "list.txt", "--yes"]).code(65).run();
    assert!(hinted(&output).ends_with("bulk list.txt --yes --skip-invalid"));
    typed(&output, &server, &hinted(&output)).run();
    assert_eq!(mailed(&server).len(), 1);

    let output = vescli("", "").args(["bulk", "gone.txt", "--yes"]).code(66).run();
    fs::write(output.folder.join("gone.txt"), lines(2)).unwrap();
    typed(&output, &server, &hinted(&output)).run();
    assert_eq!(mailed(&server).len(), 2);

    let output = vescli("", "").args(["bulk", "list.txt", "--yes"]).code(65).run();
    fs::write(output.folder.join("list.txt"), lines(3)).unwrap();
    typed(&output, &server, &hinted(&output)).run();
    assert_eq!(mailed(&server).len(), 3);

    let output =
        vescli("a3@example.com", "").args(["bulk", "list.txt", "--yes"]).env("VESCLI_RATE", "fast").code(78).run();
    typed(&output, &server, &hinted(&output)).run();
    assert_eq!(mailed(&server).len(), 4);

    let output = vescli("a4@example.com", "{\"v\":1,\"t\":\"run\"\n{\"t\":\"intent\"\n")
        .args(["bulk", "list.txt", "--yes", "--journal", "journal"])
        .code(65)
        .run();
    typed(&output, &server, &hinted(&output)).code(65).stdout_contains("journal: ").run();

    let output = vescli("a4@example.com", "").args(["bulk", "list.txt"]).code(2).run();
    typed(&output, &server, &hinted(&output)).stdout_contains("to send   1 row ").run();
    assert_eq!(mailed(&server).len(), 4);
}

#[test]
fn a_command_that_contains_the_mistake_is_not_named_again() {
    let server = Server::http().uncalled().start();
    for (mistake, code) in [(["--rate", "30m"], 2), (["--shard", "0/4"], 2), (["--profile", "prd"], 78)] {
        let profile = Vescli::new().config("[profiles.prod]\ntenant = \"t\"\n").file("list.txt", lines(1));
        profile
            .args(["bulk", "list.txt", "--yes"])
            .args(mistake)
            .against(&server)
            .code(code)
            .stderr_contains("error: ")
            .stderr_lacks("hint: ")
            .run();
    }
}

#[test]
fn a_journal_in_use_names_the_same_command() {
    let (server, hold) = holding();
    let vescli = bulk(&server, 2).args(["--jobs", "1"]);
    let journal = vescli.folder().join("journal");
    let running = vescli.arg("--journal").arg(&journal).start();
    hold.wait_for(1);
    let other = Vescli::new().file("list.txt", lines(2));
    let second = super::again_on(other, &server).arg("--journal").arg(&journal).code(75).run();
    hold.release();
    let _first = running.finish();
    typed(&second, &server, &hinted(&second)).stdout_contains("nothing left to send").run();
    assert_eq!(mailed(&server), each_once(2));
}

#[test]
fn a_full_standard_output_refers_to_the_journal() {
    let server = Server::http().start();
    let program = support::program();
    let script = format!("exec {program} bulk list.txt --yes --rate none > /dev/full");
    let output = Vescli::program("/bin/bash")
        .file("list.txt", lines(2))
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["-c", &script])
        .code(74)
        .stderr_contains("")
        .run();
    typed(&output, &server, &printed(&output)).stdout_contains("rows      2 accepted, ").run();
}
