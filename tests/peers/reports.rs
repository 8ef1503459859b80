//! The reports of a list, read back by the programs that they are for.

use std::fs::File;
use std::process::{Command, Stdio};

use support::harness::Vescli;
use support::peer::find;
use support::server::{Answer, Server};

/// Prints each case of a report as junitparser reads it, and fails unless the numbers of the suite are those of its cases.
const READ_BACK: &str = r#"
import sys, junitparser
report = junitparser.JUnitXml.fromfile(sys.argv[1])
numbers = lambda one: (one.tests, one.failures, one.errors, one.skipped, one.time)
before = numbers(report), [numbers(suite) for suite in report]
for suite in report:
    assert suite.timestamp
    assert [(one.name, one.value) for one in suite.properties()] == [("shard", "1/1")]
    for case in suite:
        results = [f"{type(result).__name__} {result.message}" for result in case.result]
        print(case.classname, case.name, *results)
for suite in report:
    suite.update_statistics()
after = [numbers(suite)[:4] for suite in report]
assert [suite[:4] for suite in before[1]] == after, (before, after)
assert before[0][:4] == after[0], (before, after)
"#;

#[test]
fn junitparser_and_promtool_read_what_a_run_leaves() {
    let (python, promtool) = (find("python3", "python3"), find("promtool", "prometheus"));
    let answers = [Answer::accepted(), Answer::status(404), Answer::status(500), Answer::accepted()];
    let server = Server::http().answers(answers).start();
    let list = "email,cname\na@b.co,\nb@b.co,\nc@b.co,\n<d&e\">@x,\nA@b.co,\"o & \"\"p\"\"\"\n\u{1}\n";
    let output = Vescli::new()
        .file("a \"<&\\.csv", list)
        .against(&server)
        .env("VESCLI_TENANT", "example-corp")
        .args(["bulk", "a \"<&\\.csv", "--yes", "--rate", "none", "--jobs", "1", "--retries", "0", "--limit", "4"])
        .args(["--shard", "1/1"])
        .args(["--allow-any-email", "--skip-invalid", "--junit", "out.xml", "--metrics", "out.prom"])
        .code(11)
        .stdout_contains("")
        .stderr_contains("")
        .run();
    let path = |name: &str| output.folder.join(name);
    let read = Command::new(python).args(["-c", READ_BACK]).arg(path("out.xml")).output().unwrap();
    let error = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "is the package python3-junitparser installed? {error}");
    let cases = String::from_utf8(read.stdout).unwrap();
    let cname = "(cname example-corp)";
    let expected = format!(
        "example-corp a@b.co {cname}\n\
         example-corp b@b.co {cname} Failure rejected: not found\n\
         example-corp c@b.co {cname} Error unknown: server error\n\
         example-corp <d&e\">@x {cname}\n\
         example-corp A@b.co (cname o & \"p\") Skipped not_sent: left for a later run by --limit\n\
         example-corp line 7 Skipped invalid: "
    );
    assert!(cases.starts_with(&expected), "{cases}");
    assert_eq!(cases.lines().count(), 6, "{cases}");
    let samples = Stdio::from(File::open(path("out.prom")).unwrap());
    let checked = Command::new(promtool).args(["check", "metrics"]).stdin(samples).output().unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
