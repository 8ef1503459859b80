//! A server that asks for a client certificate, reads the request, and only then refuses the certificate with a TLS
//! alert: the request arrived, so it is not sent again unless requested.

use support::certificates::Authority;
use support::harness::{Output, Vescli};
use support::server::{Answer, Server};

/// `bad_certificate`, `unknown_ca`, `access_denied`, `decrypt_error`, `certificate_required` (RFC 8446, section 6.2).
const ALERTS: [u8; 5] = [42, 48, 49, 51, 116];

/// Reads every request, and answers with the alert.
fn server(authority: &Authority, alert: u8) -> Server {
    Server::https(authority.server()).asks_clients_of(authority).answer(Answer::alert(alert)).start()
}

/// The addresses whose whole request arrived, in order.
fn mailed(server: &Server) -> Vec<String> {
    let whole = server.requests().into_iter().filter(|request| request.complete);
    whole.map(|request| request.json()["email"].as_str().unwrap().to_owned()).collect()
}

/// With the flags for a client certificate, or without any.
fn shown(authority: &Authority) -> [(Vec<&'static str>, String); 2] {
    [(vec![], String::new()), (vec!["--cert", "ada.pem"], authority.client("ada").pem_with_key())]
}

#[test]
fn a_send_is_unknown_and_not_retried() {
    for alert in ALERTS {
        let authority = Authority::new();
        for (flags, pem) in shown(&authority) {
            let server = server(&authority, alert);
            Vescli::new()
                .file("ca.pem", authority.pem())
                .file("ada.pem", pem)
                .args(["send", "--email", "a@b.co", "--tenant", "t", "--json"])
                .args(["--cacert", "ca.pem", "--retries", "3"])
                .args(flags)
                .against(&server)
                .code(58)
                .stdout_json(|document| {
                    assert_eq!(document["outcome"], "unknown", "{document}");
                    assert_eq!(document["attempts"], 1, "{document}");
                    assert_eq!(document["error"]["class"], "client_certificate");
                    assert_eq!(document["error"]["safe_to_retry"], false);
                })
                .stderr_contains("\n  unknown: may have been sent, and no answer shows its outcome")
                .stderr_contains("hint: ask the person or check the console before sending again")
                .run();
            assert_eq!(mailed(&server), ["a@b.co"], "alert {alert}");
        }
    }
}

/// A run over the list, in a new folder or in that of an earlier run.
fn bulk(vescli: Vescli, server: &Server, flags: &[&str], code: u8) -> Output {
    vescli
        .against(server)
        .args(["bulk", "list.txt", "--yes", "--rate", "none", "--jobs", "1"])
        .args(["--tenant", "t", "--cacert", "ca.pem", "--retries", "3"])
        .args(flags)
        .stdout_contains("")
        .stderr_contains("")
        .code(code)
        .run()
}

#[test]
fn many_runs_of_a_list_mail_everyone_once() {
    for alert in ALERTS {
        let authority = Authority::new();
        for (mut flags, pem) in shown(&authority) {
            flags.push("--keep-alive");
            let server = server(&authority, alert);
            let folder =
                Vescli::new().file("ca.pem", authority.pem()).file("ada.pem", pem).file("list.txt", "a@b.co\nb@b.co\n");
            let first = bulk(folder, &server, &flags, 12);
            assert!(first.stdout.contains("unknown   a@b.co  client certificate refused"));
            // The next run leaves the first person alone and meets the alert with the second.
            let second = bulk(first.again(), &server, &flags, 12);
            // No row is left to send, and all are unknown.
            let third = bulk(second.again(), &server, &flags, 11);
            bulk(third.again(), &server, &flags, 11);
            assert_eq!(mailed(&server), ["a@b.co", "b@b.co"], "alert {alert}");
        }
    }
}

/// The checks above can fail: with the flag, people are mailed again.
#[test]
fn unknown_rows_are_sent_again_when_requested() {
    let authority = Authority::new();
    let server = server(&authority, 42);
    let folder = Vescli::new().file("ca.pem", authority.pem()).file("list.txt", "a@b.co\n");
    let first = bulk(folder, &server, &[], 12);
    bulk(first.again(), &server, &["--resend-unknown"], 12);
    assert_eq!(mailed(&server), ["a@b.co", "a@b.co"]);
}
