//! What stands beside a document on standard error, and the request as `-v` shows it against what really arrives.

use support::harness::Vescli;
use support::server::Server;

fn send(server: &Server) -> Vescli {
    Vescli::new().args(["send", "--tenant", "t", "-e", "hello@example.com"]).against(server)
}

#[test]
fn the_human_line_stands_beside_the_document_of_an_acceptance_too() {
    let server = Server::http().start();
    let accepted = "accepted: password email for hello@example.com (tenant t, cname t, N ms)\n";
    send(&server)
        .arg("--json")
        .stderr(accepted)
        .stdout_json(|document| assert_eq!(document["outcome"], "accepted"))
        .run();
    send(&server).stdout(accepted).run();
    send(&server).args(["--json", "-q"]).stdout_json(|document| assert_eq!(document["outcome"], "accepted")).run();
}

#[test]
fn the_host_is_shown_as_it_arrives() {
    let server = Server::http().start();
    let output = send(&server).arg("-v").stdout_contains("accepted").stderr_contains("> host: ").run();
    let request = server.request();
    let host = request.header("host").unwrap();
    assert!(output.stderr.contains(&format!("> host: {host}\n")), "{}", output.stderr);
}
