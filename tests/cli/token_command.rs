//! The command that gives the token, and the configuration that names it: who may have written it, how long it may take, and
//! what it may leave behind.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::credentials::file_for;
use support::harness::Vescli;
use support::server::Server;

const CONFIG: &str = ".config/vescli/config.toml";

fn send() -> Vescli {
    Vescli::new().args(["send", "-e", "hello@example.com", "--cname", "c"])
}

fn with_command(server: &Server, script: &str, more: &str) -> Vescli {
    let words = format!("token_command = [\"/bin/sh\", \"-c\", {}]\n{more}", serde_json::to_string(script).unwrap());
    send().config(&file_for(server, &words))
}

fn chmod(vescli: &Vescli, path: &str, mode: u32) {
    let path = vescli.folder().join(path);
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_configuration_that_others_can_write_runs_no_command() {
    let server = Server::http().uncalled().start();
    let words = "token_command = [\"touch\", \"ran\"]";
    for (path, mode) in [
        (CONFIG, 0o620),
        (CONFIG, 0o602),
        (".config/vescli", 0o720),
        (".config/vescli", 0o703),
        (".config/vescli", 0o777),
    ] {
        let vescli = send().config(&file_for(&server, words));
        chmod(&vescli, path, mode);
        let output = vescli
            .code(78)
            .stderr(format!(
                "error: [FOLDER]/{CONFIG}: it names a command to run (`token_command`), and [FOLDER]/{path} can be written by \
                 others (mode {mode:04o}): run `chmod go-w [FOLDER]/{path}`\n"
            ))
            .run();
        assert!(!output.folder.join("ran").exists());
    }
    // A link leads to the file, and both folders count.
    let linked = send().file("shared/real.toml", file_for(&server, words)).args(["--config", "link.toml"]);
    let link = linked.folder().join("link.toml");
    std::os::unix::fs::symlink("shared/real.toml", link).unwrap();
    chmod(&linked, "shared", 0o777);
    linked.code(78).stderr_contains("/shared can be written by others (mode 0777): run `chmod go-w ").run();
    // The command of a profile that is not chosen counts too, and so does every other way to read the file.
    let other = "[profiles.a]\ntenant = \"a\"\n[profiles.b]\ntoken_command = [\"true\"]\n";
    for command in ["show", "check", "explain", "profiles"] {
        let vescli = Vescli::new().args(["config", command]).config(other);
        chmod(&vescli, CONFIG, 0o666);
        vescli.code(78).stderr_contains("it names a command").run();
    }
}

#[test]
fn a_folder_with_the_sticky_bit_and_a_file_without_a_command_are_accepted() {
    let server = Server::http().start();
    let sticky = with_command(&server, "echo token", "");
    chmod(&sticky, ".config/vescli", 0o1777);
    sticky.stdout_contains("accepted: ").run();
    let data = send().config(&file_for(&server, "region = \"eu\""));
    chmod(&data, CONFIG, 0o666);
    chmod(&data, ".config/vescli", 0o777);
    data.stdout_contains("accepted: ").run();
}

#[test]
fn a_hanging_command_is_killed_and_its_background_children_are_not_waited_for() {
    let server = Server::http().start();
    let stuck = with_command(&server, "echo $$ >pid; exec sleep 600", "token_command_timeout = \"300ms\"");
    let output = stuck
        .code(78)
        .stderr_contains(
            "the command `/bin/sh` did not end within 300ms and was killed: give it more time with `token_command_timeout`\n",
        )
        .run();
    assert!(output.elapsed < Duration::from_secs(30), "{:?}", output.elapsed);
    let pid = fs::read_to_string(output.folder.join("pid")).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap());
    assert_eq!(server.count(), 0);
    // The child of the command keeps its output open until the test ends it.
    let begun = Instant::now();
    let left = with_command(&server, "(while [ ! -e over ]; do sleep 0.05; done) & echo tok; echo $! >&2", "");
    let over = left.folder().join("over");
    let output = left
        .stdout_contains("accepted: ")
        .stderr_contains("\n")
        .limit(Duration::from_secs(25))
        .stderr_lacks("error")
        .start();
    server.wait_for(1);
    assert!(begun.elapsed() < Duration::from_secs(25));
    fs::write(over, "").unwrap();
    output.finish();
    let request = server.requests().pop().unwrap();
    assert_eq!(request.header("authorization"), Some("APIToken tok"));
}

#[test]
fn a_token_longer_than_8_kib_is_refused_and_never_cut() {
    let server = Server::http().start();
    let longest = "a".repeat(8 * 1024);
    let long = format!("{longest}a");
    let refused = "the token is longer than 8 KiB, so it is not an API token\n";
    let ways = |token: &str| {
        let lines = format!("{token}\r\n");
        [
            send().against(&server).env("VESCLI_TOKEN", token),
            send().against(&server).args(["--token-file", "token"]).file("token", &lines),
            send().against(&server).args(["--token-file", "-"]).stdin(&lines),
            with_command(&server, "cat token", "").file("token", &lines),
        ]
    };
    for vescli in ways(&longest) {
        vescli.stdout_contains("accepted: ").run();
        let request = server.requests().pop().unwrap();
        let arrived = request.header("authorization").unwrap();
        assert_eq!(arrived.len(), "APIToken ".len() + longest.len());
    }
    for vescli in ways(&long) {
        vescli.code(78).stderr_contains(refused).run();
    }
    // One that never stops is not waited for either.
    with_command(&server, "cat /dev/zero", "").code(78).stderr_contains(refused).run();
    send()
        .against(&server)
        .args(["--token-file", "token"])
        .file("token", vec![b'a'; 1 << 20])
        .code(78)
        .stderr_contains(refused)
        .run();
    assert_eq!(server.count(), 4);
}
