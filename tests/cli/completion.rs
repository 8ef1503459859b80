//! What vescli answers to a shell that asks it for completions: without errors, secrets or the network, and only to a shell.

use support::harness::Vescli;
use support::server::Server;

const CONFIG: &str = "[profiles.prod]\ntenant = \"t\"\n";

/// Asks as fish does, which gets a word and its description in each line.
fn asked(vescli: Vescli, line: &[&str]) -> Vescli {
    vescli.env("COMPLETE", "fish").args(["--", "vescli"]).args(line)
}

#[test]
fn values_come_from_configuration_and_tables() {
    for (line, expected) in [
        (&["send", "--profile", ""][..], "prod\ttenant t\n"),
        (&["send", "--profile=p"], "--profile=prod\ttenant t\n"),
        (&["send", "--config", "none", "-p", "p"], ""),
        (&["send", "--config=other.toml", "-p", ""], "other\ttenant u\n"),
        (&["explain", "rate"], "rate_limited\trate limited\n"),
        (&["explain", "429"], "429\trate limited\n"),
        (&["help", "exit"], "exit-codes\ta topic\n"),
        (&["help", "exit-codes", "b"], ""),
        (&["help", "config", "pa"], "path\tPrint the path of the configuration file\n"),
        (&["completions", "z"], "zsh\n"),
        (&["journal", "resolve", "--as", "n"], "not-sent\n"),
        (&["sandbox", "--", "s"], ""),
        (&["bulk", "--token-file", "oth"], "other.toml\n"),
    ] {
        let vescli = Vescli::new().config(CONFIG).file("other.toml", "[profiles.other]\ntenant = \"u\"\n");
        asked(vescli, line).stdout(expected).run();
    }
    let by_variable = Vescli::new().config(CONFIG).file("v.toml", "[profiles.v]\n").env("VESCLI_CONFIG", "v.toml");
    asked(by_variable, &["send", "-p", "v"]).stdout("v\t\n").run();
}

/// A list is offered by its own name, unless it has more than one journal.
#[test]
fn lists_with_a_journal_are_offered() {
    let server = Server::http().start();
    let run = |vescli: Vescli, cname: &str| {
        let bulk = vescli.args(["bulk", "ada.txt", "--yes", "--known", "send", "--cname", cname]);
        bulk.env("VESCLI_TENANT", "t").against(&server).stdout_contains("1 accepted").stderr_contains("").run()
    };
    let sent = run(Vescli::new().file("ada.txt", "ada@example.com\n").file("adam.txt", ""), "one");
    let line = ["journal", "show", "a"];
    asked(sent.again(), &line).stdout("ada.txt\ta list with a journal\n").run();
    asked(sent.again(), &["journal", "merge", "b.ndjson", "a"]).stdout("ada.txt\ta list with a journal\n").run();
    asked(sent.again(), &["journal", "list", "a"]).stdout("").run();
    // In a rehearsal those of rehearsals count, and there are none.
    let rehearsal = sent.again().env("VESCLI_SANDBOX", "http://127.0.0.1:1");
    asked(rehearsal, &line).stdout("ada.txt\nadam.txt\n").run();
    let sent = run(sent.again(), "two");
    let folder = format!("{}/.local/state/vescli/", sent.folder.display());
    let offered = asked(sent.again(), &["journal", "show", "/"]).stdout_contains("ada.txt").run().stdout;
    let journals = offered.lines().filter(|line| line.starts_with(&folder) && line.ends_with("\ta journal of ada.txt"));
    assert_eq!(journals.count(), 2, "{offered}");
    assert_eq!(server.count(), 2);
}

#[test]
fn what_is_broken_has_no_values_and_no_errors() {
    let unreadable = "[profiles.a]\ntoken = \"s3cret\"\n";
    for config in ["no toml", unreadable, "[profiles.a]\nextends = \"b\"\n"] {
        asked(Vescli::new().config(config), &["send", "-p", ""]).stdout("").run();
    }
    let no_journal = Vescli::new().file(".local/state/vescli/x.ndjson", "rubbish");
    asked(no_journal, &["journal", "show", "nowhere/"]).stdout("").run();
    asked(Vescli::new().env("VESCLI_RETRIES", "two"), &["completions", "z"]).stdout("zsh\n").run();
    for line in [&["--no-such", "x", ""][..], &["send", "extra", "extra", "--", ""], &["nonsense", ""]] {
        asked(Vescli::new(), line).stdout_contains("").run();
    }
    // bash says where the cursor is; without that there is nothing to say.
    let bash = || Vescli::new().config(CONFIG).env("COMPLETE", "bash").args(["--", "vescli", "send", "-p", "p"]);
    bash().stdout("").run();
    bash().env("_CLAP_COMPLETE_INDEX", "99").stdout("").run();
    bash().env("_CLAP_COMPLETE_INDEX", "3").stdout("prod").run();
}

#[test]
fn completing_runs_no_token_command_and_reads_no_token() {
    let config =
        "[profiles.prod]\ntoken_command = [\"touch\", \"was-run\"]\n[profiles.two]\ntoken_file = \"/dev/full\"\n";
    let output = asked(Vescli::new().config(config), &["send", "--profile", "p"]).stdout("prod\t\n").run();
    assert!(!output.folder.join("was-run").exists());
}

/// Only a shell asks with these arguments. A variable that is left over changes no other run.
#[test]
fn a_variable_that_is_left_over_sends_as_usual() {
    let server = Server::http().start();
    for shell in ["bash", "zsh", "1", "/bin/bash"] {
        Vescli::new()
            .args(["send", "--tenant", "t", "-e", "ada@example.com"])
            .env("COMPLETE", shell)
            .against(&server)
            .stdout_contains("accepted: ")
            .run();
    }
    assert_eq!(server.count(), 4);
    // Without arguments it is the request for the script, from a shell that is known.
    Vescli::new().env("COMPLETE", "/usr/bin/zsh").stdout_contains("#compdef vescli").run();
    Vescli::new().env("COMPLETE", "powershell").stdout_contains("Register-ArgumentCompleter").run();
    Vescli::new().env("COMPLETE", "elvish").stdout_contains("edit:completion:arg-completer").run();
    for shell in ["1", "tcsh", ""] {
        Vescli::new().env("COMPLETE", shell).code(2).stderr_contains("Usage: vescli").run();
    }
}
