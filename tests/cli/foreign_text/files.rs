//! The names of files, and what is in a configuration file.

use super::{chunks, clean, in_json, quoted, runs_cleanly, to_hello};
use support::certificates::Authority;
use support::harness::Vescli;

/// The same as file names: no slash, and not longer than a name may be.
fn names() -> Vec<String> {
    let all: Vec<char> = (1..0x3000).filter_map(char::from_u32).filter(|c| *c != '/').collect();
    all.chunks(80).map(String::from_iter).collect()
}

#[test]
fn files_that_are_missing_or_bad() {
    let pem = Authority::new().pem();
    for name in names() {
        let name = format!("x{name}");
        for (flag, code) in [("--config", 66), ("--token-file", 66), ("--cacert", 66)] {
            let missing = to_hello().args(["--tenant", "a", flag, &name]);
            let document = in_json(missing, code);
            assert!(document["error"]["message"].as_str().unwrap().contains(&name), "{document}");
            runs_cleanly(to_hello().args(["--tenant", "a", flag, &name]), code);
        }
        let there = || to_hello().file(&name, "nonsense").args(["--tenant", "a"]);
        runs_cleanly(there().args(["--config", &name]), 78);
        runs_cleanly(there().args(["--cacert", &name]), 65);
        let config = |action: &str| {
            let file = "[profiles.a]\ntenant = \"a\"\n";
            Vescli::new().file(&name, file).args(["config", action, "--config", &name])
        };
        for action in ["path", "show", "check", "profiles", "explain"] {
            runs_cleanly(config(action), 0);
        }
        runs_cleanly(config("init"), 2);
        runs_cleanly(Vescli::new().args(["config", "init", "--config", &name]), 0);
        let file = "[profiles.a]\ntenant = \"a\"\n";
        let trusted = to_hello().file("ca.pem", &pem).env("SSL_CERT_FILE", "ca.pem");
        runs_cleanly(trusted.file(&name, file).args(["--config", &name, "--dry-run"]), 0);
        runs_cleanly(to_hello().file(&name, file).args(["--config", &name, "--show-curl"]), 0);
    }
}

#[test]
fn configuration_files() {
    for chunk in chunks() {
        let text = quoted(&chunk);
        let broken = [
            format!("[profiles.a]\n{text} = 1\n"),
            format!("{text} = 1\n"),
            format!("[profiles.a]\nextends = {text}\n"),
            format!("default_profile = {text}\n[profiles.a]\n"),
            format!("[profiles.a]\ntenant = {text}\n"),
            format!("[profiles.a]\nbase_url = {text}\n"),
            format!("[profiles.a]\ntenant = \"a\"\nproxy = {}\n", quoted(&format!("ftp://{chunk}"))),
            format!("[profiles.a]\ntenant = \"a\"\ntimeout = {text}\n"),
            format!("[profiles.a]\nenvironment = {text}\n"),
            format!("[profiles.a]\ntenant = \"a\"\nresolve = [{text}]\n"),
            format!("[profiles.{text}]\nregoin = 1\n"),
            format!("[profiles.a]\ntenant = {chunk}\n"),
        ];
        for config in &broken {
            runs_cleanly(to_hello().config(config), 78);
            in_json(to_hello().config(config), 78);
            runs_cleanly(Vescli::new().config(config).args(["config", "check"]), 78);
        }
        let named = format!(
            "default_profile = {text}\n[profiles.{text}]\ntenant = \"a\"\ntoken_command = [\"true\", {text}]\n"
        );
        for action in ["profiles", "check", "explain", "show"] {
            runs_cleanly(Vescli::new().config(&named).args(["config", action]), 0);
        }
        let document = in_json(Vescli::new().config(&named).args(["config", "profiles"]), 0);
        assert_eq!(document["profiles"][0], chunk);
        runs_cleanly(to_hello().config(&named).args(["--profile", "b"]), 78);
        runs_cleanly(to_hello().config(&named), 78);
        runs_cleanly(to_hello().config(&named).arg("--show-curl"), 0);
        let command = format!("[profiles.a]\ntenant = \"a\"\ntoken_command = [{text}]\n");
        runs_cleanly(to_hello().config(&command), 78);
        let cname = format!("[profiles.a]\ntenant = \"a\"\ncname = {text}\nnoproxy = {text}\n");
        runs_cleanly(Vescli::new().config(&cname).args(["config", "explain"]), 0);
    }
}

#[test]
fn a_comment_is_shown_without_what_it_hides() {
    // TOML allows no C0 character in a comment, but everything above.
    let all: String = (0xa0..0x3000).filter_map(char::from_u32).collect();
    let config = format!("# {all}\n[profiles.a]\n\ttenant = \"a\"\n");
    let shown = Vescli::new().config(&config).args(["config", "show"]).stdout_contains("").run();
    let tabs_are_told_apart = shown.stdout.replace("\n\ttenant", "\n    tenant");
    clean(&tabs_are_told_apart, "stdout");
}
