//! In a list too, a 2xx is an acceptance only with a whole body of the API. Single sends have their rows in the matrix.

use support::harness::Vescli;
use support::server::{Answer, End, Server};

#[test]
fn a_row_whose_answer_proves_nothing_is_unknown_and_stays_so() {
    let server = Server::http()
        .choose(|request| match request.json()["email"].as_str().unwrap_or_default() {
            "cut@b.co" => Answer::accepted().cut_after(1, End::Close),
            "zip@b.co" => Answer::accepted().gzip(),
            "error@b.co" => Answer::status(200).body(r#"{"error":"login required"}"#),
            "code@b.co" => Answer::status(200).body(r#"{"code":7,"message":"denied"}"#),
            "page@b.co" => Answer::status(200).body("<html>").header("Content-Type", "text/html"),
            _ => Answer::accepted(),
        })
        .start();
    let run = |vescli: Vescli| {
        vescli
            .args(["bulk", "list.txt", "--yes", "--rate", "none", "--quiet"])
            .args(["--cname", "c", "--retries", "3"])
            .against(&server)
            .code(11)
            .stderr_contains("")
    };
    let list = "cut@b.co\nzip@b.co\nerror@b.co\ncode@b.co\npage@b.co\nfine@b.co\n";
    let first = run(Vescli::new().file("list.txt", list))
        .stdout_contains("unknown   cut@b.co  broken reply (HTTP 200): the connection broke before the end of the answer's body\n")
        .stdout_contains("unknown   zip@b.co  not the API (HTTP 200): the answer's body is encoded (Content-Encoding), which was not asked for\n")
        .stdout_contains("unknown   error@b.co  not the API (HTTP 200): \"login required\"\n")
        .stdout_contains("unknown   code@b.co  not the API (HTTP 200): \"denied\"\n")
        .stdout_contains("unknown   page@b.co  not the API (HTTP 200): an HTML page, not the API\n")
        .stdout_lacks("fine@b.co")
        .run();
    assert_eq!(server.count(), 6);
    run(first.again()).stdout_contains("").run();
    assert_eq!(server.count(), 6, "no one is mailed again unasked");
}
