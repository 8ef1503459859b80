//! Holds the harness to its promises: what it compares, what it replaces, and that it can fail.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::server_holds::exchange;
use support::harness::Vescli;
use support::server::Server;

fn shell(script: &str) -> Vescli {
    Vescli::program("/bin/sh").args(["-c", script])
}

#[test]
fn everything_is_compared() {
    let output = shell("echo out; echo err >&2; exit 7").stdout("out\n").stderr("err\n").code(7).run();
    assert_eq!((output.code, output.signal), (Some(7), None));
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    assert!(output.elapsed < Duration::from_secs(60));
}

#[test]
#[should_panic(expected = "stdout is to be exactly")]
fn unexpected_output_fails() {
    shell("echo out").run();
}

#[test]
#[should_panic(expected = "stderr is to be exactly")]
fn unexpected_talk_fails() {
    shell("echo err >&2").stderr_lacks("other").run();
}

#[test]
#[should_panic(expected = "the end is to be Code(0)")]
fn an_unexpected_code_fails() {
    shell("exit 1").run();
}

#[test]
#[should_panic(expected = "the end is to be Code(0)")]
fn an_unexpected_signal_fails() {
    shell("kill -KILL $$").run();
}

#[test]
fn an_expected_signal_holds() {
    let output = shell("kill -TERM $$").dies_by(15).run();
    assert_eq!((output.code, output.signal), (None, Some(15)));
}

#[test]
#[should_panic(expected = "the end is to be Code(0) within")]
fn a_run_that_takes_too_long_is_killed() {
    shell("exec sleep 50").limit(Duration::from_millis(100)).run();
}

#[test]
#[should_panic(expected = "the end is to be Code(0) within")]
fn a_run_that_closes_its_output_is_killed_as_well() {
    shell("exec sleep 50 >&- 2>&-").limit(Duration::from_millis(100)).run();
}

#[test]
fn parts_are_found_and_missed() {
    shell("echo one two; echo three >&2")
        .stdout_contains("one")
        .stdout_contains("two")
        .stdout_lacks("four")
        .stderr_contains("three")
        .stderr_lacks("four")
        .run();
}

#[test]
#[should_panic(expected = "stdout is to contain: \"four\"")]
fn a_missing_part_fails() {
    shell("echo one").stdout_contains("one").stdout_contains("four").run();
}

#[test]
#[should_panic(expected = "stderr is not to contain: \"secret\"")]
fn a_part_that_must_not_be_there_fails() {
    shell("echo a secret >&2").stderr_contains("").stderr_lacks("secret").run();
}

#[test]
fn json_is_looked_into() {
    shell(r#"echo '{"a":1}'"#).stdout_json(|value| assert_eq!(value["a"], 1)).run();
    shell(r#"echo '{"a":1}'; echo '{"a":2}'"#).stdout_json_lines(|values| assert_eq!(values[1]["a"], 2)).run();
}

#[test]
#[should_panic(expected = "not one document but 2")]
fn two_documents_are_not_one() {
    shell("echo 1; echo 2").stdout_json(|_| ()).run();
}

#[test]
#[should_panic(expected = "stdout is to be JSON")]
fn what_is_no_json_fails() {
    shell("echo no").stdout_json(|_| ()).run();
}

#[test]
fn volatile_parts_are_replaced() {
    let printed = "$PWD 127.0.0.1:4711 14711 214 ms 3 msgs \"elapsed_ms\":6120,5";
    shell(&format!("printf %s \"{}\"", printed.replace('"', "\\\"")))
        .port(4711)
        .stdout("[FOLDER] 127.0.0.1:[PORT] 14711 N ms 3 msgs \"elapsed_ms\":N,5")
        .run();
}

#[test]
fn the_environment_is_bare() {
    shell("env | cut -d= -f1 | grep -v -e _ -e PWD -e SHLVL | sort").stdout("HOME\nPATH\n").run();
    shell("echo $HOME $PWD $XDG_CONFIG_HOME $XDG_STATE_HOME $ADDED")
        .env("ADDED", "yes")
        .stdout("[FOLDER] [FOLDER] [FOLDER]/.config [FOLDER]/.local/state yes\n")
        .run();
    shell("echo ${XDG_CACHE_HOME-none} ${XDG_DATA_HOME-none}")
        .env_remove("XDG_CACHE_HOME")
        .stdout("none [FOLDER]/.local/share\n")
        .run();
}

#[test]
fn standard_input_is_what_was_given() {
    shell("cat").run();
    shell("cat").stdin("some input").stdout("some input").run();
    shell("exec <&-; exit 0").stdin(vec![b'x'; 1 << 20]).run();
}

#[test]
fn files_are_there_with_their_modes_and_stay_for_another_run() {
    let output = shell("cat one; cat two/three; cat .config/vescli/config.toml")
        .file("one", "1")
        .file_mode("two/three", "3", 0o644)
        .config("[defaults]\n")
        .stdout("13[defaults]\n")
        .run();
    let mode = |name: &str| {
        let path = output.folder.join(name);
        path.metadata().unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("one"), mode("two/three")), (0o600, 0o644));
    let again = output.again();
    assert_eq!(again.folder(), output.folder);
}

#[test]
fn a_run_can_be_watched_and_signalled() {
    let running = shell("echo ready >&2; echo go; exec sleep 50").stdout("go\n").stderr("ready\n").dies_by(9).start();
    assert_eq!(running.wait_for_stdout("go"), "go\n");
    assert_eq!(running.wait_for_stderr("ready"), "ready\n");
    running.signal("KILL");
    running.finish();
}

#[test]
fn a_run_that_is_dropped_is_killed() {
    let running = shell("echo $$; exec sleep 50").start();
    let id = running.wait_for_stdout("\n");
    drop(running);
    shell(&format!("kill -0 {id}")).code(1).stderr_contains("No such process").run();
}

#[test]
#[should_panic(expected = "\"never\" never came")]
fn waiting_for_what_never_comes_fails() {
    let running = shell("echo other").start();
    running.wait_for_stdout("never");
}

#[test]
fn the_program_itself_is_run_and_told_where_the_server_is() {
    let server = Server::http().start();
    Vescli::new().arg("--version").stdout_contains("").stderr_contains("").run();
    shell("echo $VESCLI_BASE_URL").against(&server).stdout("http://127.0.0.1:[PORT]\n").run();
    exchange(&server, "GET / HTTP/1.1\r\n\r\n").unwrap();
}
