//! Mistakes on the command line and in variables: what is refused, which tip is given, and that JSON stays JSON.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::Value;

use support::harness::Vescli;
use support::server::Server;

fn usage_document(document: &Value) {
    assert_eq!(document["exit_code"], 2);
    assert_eq!(document["outcome"], "not_sent");
    assert_eq!(document["error"]["class"], "usage");
}

#[test]
fn a_second_address_is_refused_and_no_one_is_mailed() {
    let server = Server::http().uncalled().start();
    let message = "error: --email was given 2 times, but one request mails one person: run it once for each address\n";
    let twice = ["send", "--tenant", "t", "-e", "a@example.com", "--email", "b@example.com"];
    Vescli::new().args(twice).against(&server).code(2).stderr(message).run();
    Vescli::new().args(twice).args(["--json", "-q"]).against(&server).code(2).stdout_json(usage_document).run();
}

#[test]
fn one_address_wins_over_that_of_the_environment_and_other_flags_over_themselves() {
    Vescli::new()
        .args(["send", "--tenant", "t", "--tenant", "u", "-n", "-e", "a@example.com"])
        .env("VESCLI_EMAIL", "b@example.com")
        .stdout_contains("POST https://u.console.ves.volterra.io/")
        .stdout_contains("\"email\":\"a@example.com\"")
        .run();
}

#[test]
fn a_flag_before_its_command_and_an_address_without_its_flag_get_a_tip() {
    let after = |flag| format!("  tip: '{flag}' belongs after the command: vescli send-password-email {flag}\n");
    for (arguments, tip) in [
        (&["--profile", "prod", "send", "-e", "a@example.com"][..], after("--profile")),
        (&["--profile=prod", "send"], after("--profile")),
        (&["-pprod", "send-password-email"], after("-p")),
        (&["-q", "--token-file", "f", "send"], after("--token-file")),
        (&["send", "a@example.com"], "  tip: an address needs its flag: --email ADDR\n".to_owned()),
    ] {
        Vescli::new().args(arguments).code(2).stderr_contains(tip).run();
    }
    for arguments in [
        &["--nonsense", "send"][..],
        &["send", "--nonsense", "a@example.com"],
        &["explain", "42", "a@example.com"],
        &["--profile", "--", "send"],
    ] {
        Vescli::new().args(arguments).code(2).stderr_contains("error: ").stderr_lacks("tip: ").run();
    }
}

#[test]
fn a_document_names_the_argument_that_is_missing() {
    for (command, name) in [(&["bulk"][..], "<FILE>"), (&["journal", "rm"], "<FILE>")] {
        let missing = Vescli::new().args(command).args(["--json", "-q"]).code(2);
        missing
            .stdout_json(move |document| assert_eq!(document["error"]["message"], format!("{name} is missing")))
            .run();
    }
}

#[test]
fn json_in_any_spelling_is_honoured_despite_other_mistakes() {
    let not_text = OsStr::from_bytes(b"\xff@example.com");
    Vescli::new()
        .args(["send", "-e"])
        .arg(not_text)
        .arg("--json")
        .code(2)
        .stderr_contains("invalid UTF-8")
        .stdout_json(usage_document)
        .run();
    for form in [&["-qojson"][..], &["-qo", "json"], &["-vqo=json"], &["-q", "--output", "json"]] {
        Vescli::new().args(["send", "--nonsense"]).args(form).code(2).stdout_json(usage_document).run();
    }
}

#[test]
fn one_variable_that_does_not_fit_takes_no_other_with_it() {
    let broken = || Vescli::new().env("VESCLI_RETRIES", "two");
    broken()
        .args(["send", "--tenant", "t", "-e", "a@example.com"])
        .env("VESCLI_OUTPUT", "json")
        .env("VESCLI_QUIET", "1")
        .code(78)
        .stdout_json(|document| {
            assert_eq!(document["error"]["class"], "config");
            let message = document["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("VESCLI_RETRIES: "), "{message}");
        })
        .run();
    broken()
        .args(["config", "path"])
        .env("VESCLI_CONFIG", "/somewhere/else.toml")
        .stdout("/somewhere/else.toml\n")
        .run();
}

#[test]
fn an_invalid_count_is_reported() {
    Vescli::new()
        .args(["bulk", "people.csv", "--limit", "x"])
        .code(2)
        .stderr_contains("error: invalid value 'x' for '--limit <N>': not a whole number from 0 on\n")
        .run();
}

/// Help and usage errors before anything else was understood, in colour or without.
#[test]
fn help_and_usage_errors_obey_the_choice_of_colour() {
    let shows: [(&[&str], u8); 7] = [
        (&["--help"], 0),
        (&["send", "--help"], 0),
        (&["help"], 0),
        (&["help", "send"], 0),
        (&["help", "exit-codes"], 0),
        (&["send", "--nonsense"], 2),
        (&["sned"], 2),
    ];
    for (arguments, code) in shows {
        let painted = |vescli: Vescli, is_painted: bool, what: &str| {
            let output = vescli.args(arguments).code(code).stdout_contains("").stderr_contains("").run();
            let text = output.stdout + &output.stderr;
            assert_eq!(text.contains("\u{1b}["), is_painted, "{arguments:?} {what}");
        };
        let vescli = Vescli::new;
        painted(vescli().args(["--color", "always"]), true, "flag");
        painted(vescli().arg("--color=always").env("NO_COLOR", "1"), true, "flag wins");
        painted(vescli().env("VESCLI_COLOR", "always"), true, "variable");
        painted(vescli().env("FORCE_COLOR", "1"), true, "FORCE_COLOR");
        painted(vescli(), false, "no terminal");
        painted(vescli().args(["--color", "never"]).env("FORCE_COLOR", "1"), false, "never");
        painted(vescli().env("VESCLI_COLOR", "always").arg("--color=never"), false, "flag over variable");
    }
    // After the command as well, and after what was not understood.
    for (arguments, is_painted) in [
        (&["send", "--nonsense", "--color", "always"][..], true),
        (&["send", "--color=always", "--nonsense"], true),
        (&["send", "--nonsense", "--", "--color=always"], false),
        (&["send", "--email", "--color=always", "--nonsense"], true),
    ] {
        let output = Vescli::new().args(arguments).code(2).stderr_contains("error: ".trim()).run();
        assert_eq!(output.stderr.contains("\u{1b}["), is_painted, "{arguments:?}");
    }
}

#[test]
fn a_command_for_the_sandbox_without_its_dashes_is_shown_with_them() {
    for (arguments, tip) in [
        (&["sandbox", "vescli", "send", "-e", "a@b.co"][..], "put `--` before the command: vescli sandbox -- vescli"),
        (&["sandbox", "--rate", "1/s", "./onboard.sh"], "put `--` before the command: vescli sandbox -- ./onboard.sh"),
    ] {
        Vescli::new().args(arguments).code(2).stderr_contains(tip).run();
    }
}
