//! vescli inside the shells that people put it into: strict scripts, loops that read a list, and completions.
//! A shell that is not installed fails its test.

use std::path::Path;

use crate::harness::Vescli;
use crate::server::{Answer, Server};

/// A shell with vescli's own folder in front of `PATH`.
fn shell(name: &str) -> Vescli {
    let path = ["/bin", "/usr/bin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("this check needs {name}: install it"));
    let own = Path::new(env!("CARGO_BIN_EXE_vescli")).parent().unwrap();
    let folders = format!("{}:/usr/bin:/bin", own.display());
    Vescli::program(path).env("PATH", folders)
}

#[test]
fn a_strict_loop_over_a_list_mails_each_and_stops_at_the_first_refusal() {
    let server = Server::http()
        .choose(|request| {
            let refused = request.body.windows(4).any(|part| part == b"eve@");
            Answer::status(if refused { 409 } else { 200 }).body("{}")
        })
        .start();
    // Should vescli read standard input, the loop would lose the rest of the list.
    shell("bash").args([
        "-c",
        "set -euo pipefail; while read -r who; do vescli send -q -e \"$who\"; echo \"$who\"; done",
    ])
    .against(&server)
    .env("VESCLI_TENANT", "t")
    .stdin("ada@example.com\nbob@example.com\neve@example.com\nzoe@example.com\n")
    .code(49)
    .stdout("ada@example.com\nbob@example.com\n")
    .stderr_contains("error: conflict (HTTP 409) for eve@example.com, tenant t\n")
    .run();
    assert_eq!(server.count(), 3);
}

#[test]
fn the_completions_load_and_know_the_commands() {
    let cases = [
        (
            "bash",
            &["--norc", "-c"][..],
            "set -euo pipefail; source <(vescli completions bash); COMP_WORDS=(vescli send --ret); COMP_CWORD=2; \
             _vescli vescli --ret send; printf '%s\\n' \"${COMPREPLY[@]}\"",
            "--retries\n--retry-unknown\n",
        ),
        (
            "zsh",
            &["-f", "-c"],
            "autoload -U compinit; compinit -u -D; source <(vescli completions zsh); print -r -- $_comps[vescli]",
            "_vescli\n",
        ),
        (
            "fish",
            &["--no-config", "-c"],
            "vescli completions fish | source; complete -C 'vescli send --ret' | string split -f 1 \\t",
            "--retries\n--retry-unknown\n",
        ),
    ];
    for (name, flags, script, expected) in cases {
        shell(name).args(flags).arg(script).stdout(expected).run();
    }
}
