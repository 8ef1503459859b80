//! What an auditor asks a journal: who ran it, and what came of each person.

use support::harness::{Output, Vescli};
use support::server::Server;

/// A run over one person, by Ada on a runner of GitHub.
fn run(server: &Server) -> Output {
    Vescli::new()
        .file("list.txt", "ada@example.com\n")
        .against(server)
        .env("VESCLI_TENANT", "example-corp")
        .env("USER", "a\u{1b}da")
        .env("GITHUB_REPOSITORY", "acme/boarding")
        .env("GITHUB_RUN_ID", "17")
        .args(["bulk", "list.txt", "--yes", "--rate", "none"])
        .stdout_contains("")
        .stderr_contains("")
        .run()
}

#[test]
fn a_journal_says_who_ran_it() {
    const JOB: &str = "https://github.com/acme/boarding/actions/runs/17";

    let server = Server::http().start();
    let output = run(&server);
    output
        .again()
        .args(["journal", "show"])
        .stdout_contains("run by    a\\u{1b}da, host ")
        .stdout_contains(format!(", job {JOB}, vescli {}\n", env!("CARGO_PKG_VERSION")))
        .stdout_lacks("\u{1b}")
        .run();
    output
        .again()
        .args(["journal", "show", "--json"])
        .stdout_json(|shown| {
            let run = &shown["runs"][0];
            assert_eq!((&run["user"], &run["job"]), (&"a\u{1b}da".into(), &JOB.into()));
            assert!(run["host"].as_str().is_some_and(|host| !host.is_empty()));
        })
        .run();
}
