//! A list that is sent in shards: everyone once, whatever the number of shards becomes, and the rate is that of the whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::paced::{arrivals, densest};
use super::{address, again_on, each_once, holding, lines, mailed};
use serde_json::Value;
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

const ROWS: usize = 40;

/// A folder with a list of N people, in which nothing was sent yet.
fn folder(count: usize) -> Output {
    Vescli::new().file("list.txt", lines(count)).args(["journal", "list"]).stdout_contains("no journals").run()
}

/// A run of one shard in the folder.
fn shard(folder: &Output, server: &Server, shard: &str) -> Vescli {
    again_on(folder.again(), server).args(["--shard", shard])
}

/// Runs all shards of a division to their ends.
fn all(folder: &Output, server: &Server, count: usize) {
    for number in 1..=count {
        shard(folder, server, &format!("{number}/{count}")).run();
    }
}

/// The journals of the state folder, by name.
fn journals(folder: &Output) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.folder.join(".local/state/vescli")).into_iter().flatten();
    let mut found: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    found.sort();
    found
}

#[test]
fn each_shard_sends_its_own_people_and_together_they_are_all() {
    let server = Server::http().start();
    let folder = folder(ROWS);
    let mut before = 0;
    for number in 1..=4 {
        shard(&folder, &server, &format!("{number}/4"))
            .stderr_contains(format!("shard     {number}/4: "))
            .stderr_contains(" of 40 rows\n")
            .run();
        assert!(server.count() > before, "shard {number} is empty");
        before = server.count();
    }
    assert_eq!(mailed(&server), each_once(ROWS));
    let names: Vec<String> = journals(&folder).iter().map(|path| path.to_string_lossy().into_owned()).collect();
    assert_eq!(names.len(), 4);
    for (number, name) in (1..).zip(&names) {
        assert!(name.ends_with(&format!(".shard-{number}-of-4.ndjson")), "{name}");
        assert!(fs::read_to_string(name).unwrap().contains(&format!(r#""shard":"{number}/4""#)));
    }
    // Run again, each of them continues with its own journal.
    all(&folder, &server, 4);
    assert_eq!(server.count(), ROWS);
}

#[test]
fn an_edited_list_keeps_its_shards() {
    let server = Server::http().start();
    let folder = folder(ROWS);
    shard(&folder, &server, "1/4").run();
    let first: BTreeSet<String> = mailed(&server).into_keys().collect();
    let mut rows: Vec<String> = (0..ROWS).map(address).rev().collect();
    rows.insert(7, "new@example.com".to_owned());
    rows.remove(3);
    let list = rows.join("\n");
    let edited = || again_on(folder.again().file("list.txt", &list), &server);
    edited().args(["--shard", "1/4"]).run();
    assert!(
        mailed(&server)
            .iter()
            .all(|(email, count)| *count == 1 && (first.contains(email) || email == "new@example.com"))
    );
    for number in 2..=4 {
        edited().args(["--shard", &format!("{number}/4")]).run();
    }
    assert_eq!(mailed(&server).into_values().sum::<usize>(), server.count());
    assert!(rows.iter().all(|email| mailed(&server).get(email) == Some(&1)));
}

#[test]
fn another_number_of_shards_plans_no_one_again() {
    let server = Server::http().start();
    let folder = folder(ROWS);
    // A third of each shard's people, then another division, then the whole list.
    for count in [4, 3, 1, 7] {
        for number in 1..=count {
            shard(&folder, &server, &format!("{number}/{count}")).args(["--limit", "2"]).run();
        }
    }
    again_on(folder.again(), &server).args(["--limit", "3"]).run();
    all(&folder, &server, 5);
    // Without a journal of its own, a run knows when they were accepted from the others.
    shard(&folder, &server, "1/6")
        .args(["--dry-run", "--json"])
        .stdout_json(|plan| assert_eq!(plan["accepted_at"].as_array().unwrap().len(), 2))
        .run();
    let plan = shard(&folder, &server, "1/6").arg("--dry-run");
    plan.stdout_contains("; also read: 21 journals of other shards\n").run();
    again_on(folder.again(), &server).stdout_contains("nothing left to send").run();
    assert_eq!(mailed(&server), each_once(ROWS));
}

/// How many people a run with this list and journal would send to.
fn planned(folder: &Output, server: &Server, list: &str, flags: &[&str]) -> u64 {
    let vescli = again_on(folder.again().file("list.txt", list), server);
    let output = vescli.args(flags).args(["--dry-run", "--json"]).run();
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    plan["to_send"].as_u64().unwrap()
}

#[test]
fn a_division_by_line_number_is_detected() {
    let server = Server::http().start();
    let folder = folder(400);
    // The planted fault: a shard is every fourth line, then every third, with the journal of its number.
    let own = |number: usize, count: usize| -> String {
        (0..400).filter(|row| row % count == number).map(|row| address(row) + "\n").collect()
    };
    let journal = |number: usize| format!("by-line-{number}.ndjson");
    for number in 0..4 {
        let vescli = again_on(folder.again().file("list.txt", own(number, 4)), &server);
        vescli.args(["--journal", &journal(number)]).run();
    }
    assert_eq!(mailed(&server), each_once(400));
    let plan = |number| planned(&folder, &server, &own(number, 3), &["--journal", &journal(number)]);
    assert_eq!((0..3).map(plan).sum::<u64>(), 298, "only each fourth line has the same number again");
    // By person, no one is planned again.
    let server = Server::http().start();
    let folder = self::folder(400);
    all(&folder, &server, 4);
    let plan = |number| planned(&folder, &server, &lines(400), &["--shard", &format!("{number}/3")]);
    assert_eq!((1..=3).map(plan).sum::<u64>(), 0);
}

#[test]
fn journals_of_another_division_have_to_be_here_as_a_whole() {
    let server = Server::http().start();
    let folder = folder(ROWS);
    shard(&folder, &server, "1/4").run();
    shard(&folder, &server, "3/4").run();
    let sent = server.count();
    let missing =
        "error: the list was sent with another number of shards, and the journals of shards 2/4, 4/4 are not in ";
    shard(&folder, &server, "1/2")
        .code(65)
        .stderr_contains(missing)
        .stderr_contains("people known only there would be mailed again")
        .stderr_contains("hint: copy them there, or a journal that `vescli journal merge` made of them")
        .run();
    again_on(folder.again(), &server).code(65).stderr_contains(missing).run();
    shard(&folder, &server, "1/2").arg("--fresh").code(65).stderr_contains(missing).run();
    shard(&folder, &server, "2/4").run();
    assert!(server.count() > sent);
    shard(&folder, &server, "1/2").code(65).stderr_contains("and the journal of shard 4/4 is not in ").run();
    // A machine with its own disk has its own shard only, and needs no other.
    fs::remove_file(&journals(&folder)[0]).unwrap();
    let sent = server.count();
    shard(&folder, &server, "3/4").run();
    shard(&folder, &server, "2/4").run();
    assert_eq!(server.count(), sent);
}

#[test]
fn a_shard_without_people_leaves_a_journal_that_shows_it_was_run() {
    let server = Server::http().start();
    let folder = folder(1);
    for number in 1..=6 {
        shard(&folder, &server, &format!("{number}/6")).arg("--dry-run").run();
    }
    assert_eq!(journals(&folder), Vec::<PathBuf>::new());
    all(&folder, &server, 6);
    assert_eq!(journals(&folder).len(), 6);
    again_on(folder.again(), &server).stdout_contains("nothing left to send").run();
    assert_eq!(mailed(&server), each_once(1));
}

#[test]
fn a_running_shard_blocks_only_another_division() {
    let (server, hold) = holding();
    let folder = folder(ROWS);
    let running = shard(&folder, &server, "1/2").args(["--jobs", "1"]).start();
    hold.wait_for(1);
    let other = again_on(folder.again(), &server);
    other.code(75).stderr_contains(".shard-1-of-2.ndjson").run();
    shard(&folder, &server, "1/3").code(75).stderr_contains(".shard-1-of-2.ndjson").run();
    assert_eq!(journals(&folder).len(), 1);
    let second = shard(&folder, &server, "2/2").args(["--jobs", "1"]).start();
    hold.wait_for(2);
    hold.release();
    running.finish();
    second.finish();
    assert_eq!(mailed(&server), each_once(ROWS));
}

#[test]
fn people_unknown_in_another_shard_stay_unknown_and_their_journal_is_named() {
    let server = Server::http().answer(Answer::status(500)).start();
    // Enough that no shard is empty, wherever the server's port puts people.
    let folder = folder(ROWS);
    for number in 1..=2 {
        shard(&folder, &server, &format!("{number}/2")).args(["--max-failures", "0"]).code(11).run();
    }
    again_on(folder.again(), &server)
        .code(11)
        .stderr_contains("next: vescli journal show ")
        .stderr_contains("-of-2.ndjson")
        .run();
    assert_eq!(server.count(), ROWS);
}

#[test]
fn the_journal_of_a_shard_serves_no_other() {
    let server = Server::http().start();
    let folder = folder(ROWS);
    let run = |more: &[&str]| again_on(folder.again(), &server).args(more);
    run(&["--journal", "j.ndjson", "--shard", "1/4"]).run();
    let sent = server.count();
    let own = folder.folder.join("j.shard-1-of-4.ndjson");
    run(&["--journal", "j.shard-1-of-4.ndjson", "--shard", "1/4"]).run();
    run(&["--journal", "j.shard-1-of-4.ndjson"])
        .code(65)
        .stderr_contains("belongs to shard 1/4: add --shard 1/4, or merge the journals of all shards")
        .run();
    fs::copy(&own, folder.folder.join("j.shard-2-of-4.ndjson")).unwrap();
    run(&["--journal", "j.ndjson", "--shard", "2/4"]).code(65).stderr_contains("belongs to shard 1/4").run();
    assert_eq!(server.count(), sent);
}

#[test]
fn a_whole_list_in_a_journal_with_a_shards_name_is_read_by_the_other_shards() {
    let server = Server::http().start();
    let folder = folder(ROWS);
    let run = |more: &[&str]| again_on(folder.again(), &server).args(more);
    run(&["--journal", "j.shard-1-of-2.ndjson"]).run();
    for shard in ["2/2", "1/2", "1/3"] {
        run(&["--journal", "j.ndjson", "--shard", shard]).stdout_contains("nothing left to send").run();
    }
    assert_eq!(mailed(&server), each_once(ROWS));
}

#[test]
fn the_journals_of_another_service_are_in_the_way() {
    let server = Server::http().start();
    let folder = folder(ROWS);
    for number in ["1/2", "2/2"] {
        shard(&folder, &server, number).args(["--journal", "j.ndjson"]).run();
    }
    let other = Server::http().uncalled().start();
    let whole = again_on(folder.again(), &other).args(["--journal", "j.ndjson"]);
    whole.code(65).stderr_contains("j.shard-1-of-2.ndjson").run();
}

#[test]
fn fresh_does_not_pass_over_journals_of_another_division() {
    let server = Server::http().start();
    let folder = folder(4);
    again_on(folder.again(), &server).run();
    shard(&folder, &server, "1/2")
        .arg("--fresh")
        .code(65)
        .stderr_contains("of the same list knows people too: move or remove it first")
        .run();
    fs::remove_file(&journals(&folder)[0]).unwrap();
    all(&folder, &server, 2);
    // What cannot be done is not advised.
    let nothing_left =
        again_on(folder.again(), &server).stdout_contains("first move away all journals of this list").run();
    assert!(!nothing_left.stdout.contains("--fresh"));
    shard(&folder, &server, "1/2").stdout_contains("start a new journal with --fresh").run();
    shard(&folder, &server, "1/2").arg("--fresh").run();
    shard(&folder, &server, "2/2").arg("--fresh").run();
    assert_eq!(server.count(), 12);
}

#[test]
fn an_impossible_shard_is_refused_with_the_possible_ones() {
    let server = Server::http().uncalled().start();
    let folder = folder(4);
    for (text, message) in [
        (
            "0/4",
            "error: --shard: `0/4`: shards are counted from 1: use 1/4 to 4/4; with an index from 0, such as $SLURM_ARRAY_TASK_ID or $JOB_COMPLETION_INDEX, add 1",
        ),
        ("5/4", "error: --shard: `5/4`: there is no shard 5 of 4: use 1/4 to 4/4"),
        ("1/0", "error: --shard: `1/0`: use 1 to 1000 shards"),
        ("1/1001", "error: --shard: `1/1001`: use 1 to 1000 shards"),
        (
            "3",
            "error: --shard: `3` is not a shard: write its number, a slash and how many shards there are, such as 2/4",
        ),
    ] {
        shard(&folder, &server, text).code(2).stderr_contains(message).run();
    }
    again_on(folder.again(), &server)
        .env("VESCLI_SHARD", "0/4")
        .code(78)
        .stderr_contains("VESCLI_SHARD: `0/4`: shards are counted from 1")
        .run();
    shard(&folder, &server, "2/4").args(["--dry-run", "--json"]).stdout_contains(r#""shard":"2/4""#).run();
    // Enough people that the shard has some, wherever the server's port puts them.
    let folder = self::folder(ROWS);
    let plan = || again_on(folder.again(), &server).env("VESCLI_SHARD", "2/4").args(["--rate", "60/m", "--dry-run"]);
    plan()
        .arg("--json")
        // A shard of four has a quarter of the rate.
        .stdout_json(|plan| {
            assert_eq!(plan["seconds"].as_u64().unwrap(), plan["to_send"].as_u64().unwrap().saturating_sub(1) * 4);
        })
        .run();
    let plan = plan();
    plan.stdout_contains("shard     2/4: ").stdout_contains(" at 60/m for all shards, about ").run();
}

#[test]
fn all_shards_together_keep_to_the_rate() {
    let server = Server::http().start();
    let folder = folder(60);
    let start = |number: usize| {
        again_on(folder.again(), &server)
            .args(["--rate", "20/s", "--jobs", "4", "--shard", &format!("{number}/4")])
            .start()
    };
    let running: Vec<_> = (1..=4).map(start).collect();
    for run in running {
        run.finish();
    }
    assert_eq!(mailed(&server), each_once(60));
    let most = densest(&arrivals(&server), Duration::from_secs(1));
    assert!(most <= 21, "{most} requests in a second");
    // The planted fault: each shard takes the whole rate.
    let other = Server::http().start();
    let start = |number: usize| {
        let own: String = (0..60).filter(|row| row % 4 == number).map(|row| address(row) + "\n").collect();
        again_on(Vescli::new().file("list.txt", own), &other).args(["--rate", "20/s", "--jobs", "4"]).start()
    };
    let running: Vec<_> = (0..4).map(start).collect();
    for run in running {
        run.finish();
    }
    assert!(densest(&arrivals(&other), Duration::from_secs(1)) > 21, "the check cannot fail");
}
