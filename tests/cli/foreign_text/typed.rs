//! What is typed, or is in the environment.

use super::{in_json, is_dangerous, runs_cleanly, runs_cleanly_in_colour, send, to_hello, words};
use support::harness::Vescli;
use support::server::Server;

#[test]
fn addresses_and_cnames() {
    let server = Server::http().start();
    for word in words() {
        let dangerous = word.chars().any(is_dangerous);
        let visible: String = word.chars().filter(|c| !is_dangerous(*c)).collect();
        let send = |vescli: Vescli, email: &str, cname: &str| {
            vescli
                .against(&server)
                .args(["send", "--allow-any-email", "-vv"])
                .arg(format!("--email={email}"))
                .arg(format!("--cname={cname}"))
        };
        if dangerous {
            let document = in_json(send(Vescli::new(), &word, "example"), 2);
            assert_eq!(document["email"], word);
            runs_cleanly(send(Vescli::new(), &word, "example"), 2);
            runs_cleanly(send(Vescli::new(), "a@b.co", &word), 2);
        }
        // A harmless text may still be refused; only what is shown matters.
        runs_cleanly(send(any_exit_code(), &visible, "example"), 0);
        runs_cleanly(send(any_exit_code(), "a@b.co", &visible), 0);
    }
}

/// For what may be accepted or refused: the shell ends with 0 in each case.
fn any_exit_code() -> Vescli {
    let program = support::program();
    Vescli::program("/bin/sh").args(["-c", "\"$@\"; exit 0", "sh", &program])
}

#[test]
fn arguments_that_are_not_understood() {
    for word in words() {
        let document = in_json(Vescli::new().arg(&word), 2);
        assert!(document["error"]["message"].as_str().unwrap().contains(&word), "{document}");
        for vescli in [
            Vescli::new().arg(&word),
            send().arg(format!("--x{word}")),
            send().arg(&word),
            send().args(["--retries", &format!("x{word}")]),
            send().args(["--color", &format!("x{word}")]),
            send().args(["--environment", &format!("x{word}")]),
            send().arg(format!("--quiet=x{word}")),
            Vescli::new().args(["completions", &word]),
            Vescli::new().args(["explain", &format!("x{word}")]),
            Vescli::new().args(["help", &format!("x{word}")]),
            Vescli::new().args(["config", &word]),
        ] {
            runs_cleanly(vescli, 2);
        }
    }
    // A short flag of each character.
    for c in (1..0x300).filter_map(char::from_u32).filter(|c| is_dangerous(*c)) {
        runs_cleanly(send().arg(format!("-{c}")), 2);
        runs_cleanly_in_colour(send().arg(format!("-{c}")), 2);
    }
}

#[test]
fn values_of_flags_and_variables() {
    for word in words() {
        let value = format!("x{word}");
        for flag in ["--tenant", "--base-url", "--region", "--timeout", "--proxy", "--resolve", "--profile"] {
            let code = if flag == "--profile" { 78 } else { 2 };
            // Letters of all scripts make a good host name, so that something else has to be wrong.
            let value = match flag {
                "--proxy" => format!("ftp://{value}"),
                _ => value.clone(),
            };
            let tenant = if flag == "--tenant" { "x" } else { "a" };
            let variable = format!("VESCLI_{}", flag[2..].to_uppercase().replace('-', "_"));
            let send = || to_hello().env("VESCLI_TENANT", tenant);
            let document = in_json(send().args([flag, &value]), code);
            assert!(document["error"]["message"].is_string());
            runs_cleanly(send().args([flag, &value]), code);
            runs_cleanly(to_hello().env("VESCLI_TENANT", tenant).env_remove(&variable).env(&variable, &value), 78);
        }
        for variable in ["VESCLI_COLOR", "VESCLI_RETRIES", "VESCLI_DRY_RUN", "VESCLI_VERBOSE"] {
            runs_cleanly(to_hello().env(variable, &value).args(["--tenant", "a"]), 78);
        }
        let name = format!("VESCLI_{}", word.replace('=', ""));
        let server = Server::http().start();
        runs_cleanly(to_hello().env(&name, "x").against(&server), 0);
        in_json(to_hello().env(&name, "x").against(&server), 0);
    }
}
