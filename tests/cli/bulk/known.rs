//! People who are known from other lists: a list that was copied, renamed, or reached or addressed in another way mails
//! no one again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{again_on, bulk, each_once, lines, mailed};
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

const KNOWN: &str = "error: 3 of these 4 people are known from other lists: 3 accepted (list.txt, 20";

/// A run over `list` in the folder of an earlier one; 4 rows, of which the earlier run knew 3.
fn over(first: &Output, server: &Server, list: &str) -> Vescli {
    let vescli = first.again().file("other.txt", lines(4));
    vescli
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", list, "--yes", "--rate", "none"])
        .stdout_contains("")
        .stderr_contains("")
}

/// The only file of the state folder with this ending.
fn kept(output: &Output, extension: &str) -> PathBuf {
    let folder = output.folder.join(".local/state/vescli");
    let files = fs::read_dir(folder).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    let is_meant = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
    files.find(is_meant).unwrap()
}

#[test]
fn a_list_under_another_name_is_refused_until_the_user_decides() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    over(&first, &server, "other.txt")
        .code(65)
        .stderr_contains(KNOWN)
        .stderr_contains("nothing was sent, because neither --known skip nor --known send")
        .run();
    assert_eq!(mailed(&server), each_once(3));
    over(&first, &server, "other.txt")
        .arg("--dry-run")
        .stdout_contains("known     3 of these 4 people are known from other lists: 3 accepted (list.txt, 20")
        .stdout_contains("; choose --known skip or --known send\n")
        .run();
    over(&first, &server, "other.txt")
        .args(["--known", "skip", "--json"])
        .stdout_contains(r#""known":{"accepted":3,"unknown":0,"choice":"skip","lists":[{"list":"#)
        .stdout_contains(r#""accepted":4,"rejected":0,"not_sent":0,"unknown":0,"this_run":{"accepted":1,"#)
        .run();
    assert_eq!(mailed(&server), each_once(4));
    // Run again, it has nothing to do, and has to be asked for the others once more.
    over(&first, &server, "other.txt").code(65).run();
    over(&first, &server, "other.txt").args(["--known", "send"]).run();
    assert_eq!(server.count(), 7);
}

#[test]
fn a_list_from_another_source_is_recognized() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    let input = || first.again().stdin(lines(4));
    let run = |vescli: Vescli| {
        vescli.against(&server).env("VESCLI_TENANT", "example-corp").code(65).stderr_contains(KNOWN).run();
    };
    run(input().args(["bulk", "-", "--yes"]));
    run(input().args(["bulk", "/dev/stdin", "--yes"]));
    // A journal elsewhere does not know them.
    run(first.again().file("list.txt", lines(4)).args(["bulk", "list.txt", "--yes", "--journal", "elsewhere"]));
    assert_eq!(mailed(&server), each_once(3));
}

#[test]
fn another_spelling_of_host_or_cname_is_the_same_service_and_another_service_is_not() {
    let server = Server::http().start();
    let start = || {
        Vescli::new()
            .file("list.txt", lines(3))
            .env("VESCLI_TENANT", "example-corp")
            .args(["bulk", "list.txt", "--yes", "--rate", "none"])
            .stdout_contains("")
            .stderr_contains("")
    };
    let url = format!("http://localhost:{}", server.port());
    let first = start().env("VESCLI_BASE_URL", &url).args(["--cname", "Acme"]).run();
    let again = |url: &str, cname: &str| {
        first
            .again()
            .env("VESCLI_TENANT", "example-corp")
            .env("VESCLI_BASE_URL", url)
            .args(["bulk", "list.txt", "--yes", "--rate", "none"])
            .args(["--cname", cname])
            .stdout_contains("")
            .stderr_contains("")
    };
    let known = "3 of these 3 people are known from other lists: 3 accepted (list.txt, 20";
    let numeric = format!("http://127.0.0.1:{}", server.port());
    let path = format!("{url}/api/v1/api/production/us-east-1/namespaces/default");
    for (url, cname) in [(&numeric, "Acme"), (&url, "acme"), (&numeric, "ACME."), (&path, "Acme")] {
        again(url, cname).code(65).stderr_contains(known).run();
    }
    assert_eq!(mailed(&server), each_once(3));
    // Another cname is another mail, and another port is another service.
    again(&url, "other").run();
    let elsewhere = Server::http().start();
    again(&elsewhere.url(), "Acme").run();
    assert_eq!((server.count(), elsewhere.count()), (6, 3));
}

#[test]
fn people_unknown_in_another_journal_are_not_mailed_again() {
    let server = Server::http().answer(Answer::status(500)).start();
    let first = bulk(&server, 2).code(11).run();
    over(&first, &server, "other.txt")
        .code(65)
        .stderr_contains("2 of these 4 people are known from other lists: 2 unknown (list.txt, 20")
        .run();
    // Left out, they are still unknown, whatever becomes of the others.
    over(&first, &server, "other.txt")
        .args(["--known", "skip", "--retries", "0"])
        .code(11)
        .stdout_contains("4 unknown of 4 rows")
        .run();
    assert_eq!(server.count(), 4);
}

#[test]
fn a_damaged_or_outdated_index_hides_no_one() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    let refused = |server: &Server| over(&first, server, "other.txt").code(65).stderr_contains(KNOWN).run();
    refused(&server);
    let index = || kept(&first, "index");
    let intact = fs::read(index()).unwrap();
    for damaged in [
        Vec::new(),
        intact[..intact.len() - 17].to_vec(),
        {
            let mut turned = intact.clone();
            *turned.last_mut().unwrap() = 0;
            turned
        },
        b"{}\n".to_vec(),
    ] {
        fs::write(index(), damaged).unwrap();
        refused(&server);
        assert_eq!(fs::read(index()).unwrap(), intact, "it was made again");
    }
    // The journal grows, and the index follows.
    again_on(first.again().file("list.txt", lines(4)), &server).run();
    over(&first, &server, "other.txt")
        .code(65)
        .stderr_contains("4 of these 4 people are known from other lists: 4 accepted")
        .run();
    assert_eq!(mailed(&server), each_once(4));
}

#[test]
fn an_unreadable_journal_is_refused_until_the_user_decides() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    let journal = kept(&first, "ndjson");
    let intact = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, intact.replace("a1@", "b1@")).unwrap();
    over(&first, &server, "other.txt")
        .code(65)
        .stderr_contains("2 of these 4 people are known from other lists: 2 accepted")
        .stderr_contains(
            "could not be read completely (some of its lines are damaged): people in it may be mailed again",
        )
        .run();
    fs::write(&journal, &intact).unwrap();
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = "could not be read completely";
    over(&first, &server, "other.txt")
        .code(65)
        .stderr_contains("nothing was sent")
        .stderr_contains(refused)
        .stderr_contains("chmod 600")
        .stderr_contains(
            "hint: fix that and run it again, or leave out people who are known: `vescli bulk other.txt --yes --rate none --known skip`",
        )
        .run();
    assert_eq!(mailed(&server), each_once(3));
    // The user has decided, and is warned even with --quiet.
    over(&first, &server, "other.txt").args(["--known", "skip", "--limit", "1", "-q"]).stderr_contains(refused).run();
    assert_eq!(server.count(), 4);
}

#[test]
fn another_journal_torn_by_a_power_failure_does_not_prevent_sending() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    let journal = kept(&first, "ndjson");
    let intact = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, format!("{intact}\0\0\0\n")).unwrap();
    let over = || over(&first, &server, "other.txt").stderr_lacks("could not be read completely");
    over().code(65).stderr_contains(KNOWN).run();
    over().args(["--known", "skip"]).run();
    assert_eq!(mailed(&server), each_once(4));
}

#[test]
fn a_journal_set_aside_by_fresh_does_not_block_its_own_run() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    super::again(&first, &server).arg("--fresh").run();
    assert_eq!(server.count(), 6);
    super::again(&first, &server).run();
    // Another list meets both.
    over(&first, &server, "other.txt").code(65).stderr_contains(KNOWN).run();
    assert_eq!(server.count(), 6);
}

#[test]
fn a_journal_set_aside_counts_while_the_new_one_is_empty() {
    let server = Server::http().start();
    let first = bulk(&server, 3).run();
    let journal = kept(&first, "ndjson");
    super::again(&first, &server).arg("--fresh").run();
    assert_eq!(server.count(), 6);
    let text = fs::read_to_string(&journal).unwrap();
    let (run, _) = text.split_once('\n').unwrap();
    // As left by a run that ended before its first request.
    fs::write(&journal, format!("{run}\n")).unwrap();
    super::again(&first, &server)
        .code(65)
        .stderr_contains("3 of these 3 people are known from other lists: 3 accepted (list.txt")
        .run();
    fs::remove_file(&journal).unwrap();
    super::again(&first, &server).code(65).run();
    assert_eq!(server.count(), 6);
    super::again(&first, &server).arg("--fresh").run();
    assert_eq!(server.count(), 9);
}

#[test]
fn two_simultaneous_runs_over_the_same_people_mail_no_one_twice() {
    let (server, hold) = super::holding();
    let folder = Vescli::new()
        .file("list.txt", lines(3))
        .file("other.txt", lines(3))
        .args(["journal", "list"])
        .stdout_contains("no journals")
        .run();
    let start = |list: &str| {
        folder
            .again()
            .against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .args(["bulk", list, "--yes", "--rate", "none", "--jobs", "1"])
            .args(["--known", "skip"])
            .stdout_contains("")
            .stderr_contains("")
    };
    let one = start("list.txt").code(12).stderr_contains("stopped: another run is mailing people on this list").start();
    hold.wait_for(1);
    // The second run knows of the one person who is under way; the first began before there was a second.
    let other = start("other.txt").code(11).start();
    hold.wait_for(2);
    hold.release();
    one.finish();
    other.finish();
    assert_eq!(mailed(&server), each_once(3));
    start("list.txt").run();
    assert_eq!(mailed(&server), each_once(3));
}

#[test]
fn a_list_on_a_descriptor_continues_in_the_next_process() {
    let server = Server::http().start();
    let vescli = support::program();
    let script = |input: &str, redirection: &str, rows: usize| {
        (format!("exec {vescli} bulk {input} --yes --rate none {redirection}"), lines(rows))
    };
    let run = |output: Option<&Output>, (script, list): (String, String), sent: usize| {
        let sh = match output {
            Some(output) => output.again_with("/bin/sh").file("list.txt", list),
            None => Vescli::program("/bin/sh").file("list.txt", list),
        };
        let expected = if sent == 0 { "nothing left to send" } else { "accepted" };
        sh.against(&server)
            .env("VESCLI_TENANT", "example-corp")
            .args(["-c", &script])
            .stdout_contains(expected)
            .stderr_contains("")
            .run()
    };
    let output = run(None, script("/dev/fd/3", "3<list.txt", 2), 2);
    for (input, redirection) in [
        ("/dev/fd/3", "3<list.txt"),
        ("/dev/fd/7", "7<list.txt"),
        ("/proc/self/fd/3", "3<list.txt"),
        ("/dev/fd/0", "<list.txt"),
        ("/proc/self/fd/0", "<list.txt"),
        ("/dev/stdin", "<list.txt"),
        ("-", "<list.txt"),
    ] {
        run(Some(&output), script(input, redirection, 2), 0);
    }
    assert_eq!(mailed(&server), each_once(2));
    run(Some(&output), script("-", "<list.txt", 3), 1);
    run(Some(&output), script("/dev/fd/3", "3<list.txt", 3), 0);
    assert_eq!(mailed(&server), each_once(3));
}
