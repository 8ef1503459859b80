//! vescli inside the shells that people put it into: strict scripts, loops that read a list, and completions.
//! A shell that is not installed fails its test.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use support::harness::{Vescli, copy_program};
use support::server::{Answer, Server};

pub(crate) fn path_of(shell: &str) -> PathBuf {
    ["/bin", "/usr/bin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(shell))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("this check needs {shell}: install it"))
}

/// A shell with vescli's own folder in front of `PATH`.
fn shell(name: &str) -> Vescli {
    let folders = format!("{}:/usr/bin:/bin", support::program_folder());
    Vescli::program(path_of(name)).env("PATH", folders)
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
    shell("bash")
        .args(["-c", "set -euo pipefail; while read -r who; do vescli send -q -e \"$who\"; echo \"$who\"; done"])
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

/// A process with a secret is closed to others, its own files below `/proc` among them: what the shell hands over by
/// such a file still has to be read, by an ordinary user too.
#[test]
fn a_list_a_token_and_a_resumed_run_work_with_process_substitution() {
    let server = Server::http().start();
    let as_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let script = "./vescli bulk <(echo ada@example.com) --token-file <(echo s3cret-token) --yes --json";
    let bash = shell("bash")
        .args(["-c", &format!("umask 077; {script} && {script}")])
        .against(&server)
        .env("VESCLI_TENANT", "t")
        .stdout_contains("\"accepted\":1")
        .stderr_contains("");
    let folder = bash.folder().to_owned();
    let bash = bash.env("XDG_STATE_HOME", folder.join("state"));
    copy_program(Path::new(&support::program()), &folder.join("vescli"));
    fs::create_dir(folder.join("state")).unwrap();
    fs::set_permissions(folder.join("state"), fs::Permissions::from_mode(0o777)).unwrap();
    if as_root {
        bash.of_user(65534).run();
    } else {
        bash.run();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("authorization"), Some("APIToken s3cret-token"));
}
