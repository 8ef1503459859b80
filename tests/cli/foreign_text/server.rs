//! What a server sends.

use serde_json::json;

use super::{CHUNK, chunks, in_json, quoted, runs_cleanly, to_hello};
use support::server::{Answer, Server};

#[test]
fn text_in_the_body_of_an_answer() {
    for chunk in chunks() {
        let plain = chunk.trim().to_owned();
        let bodies = [
            (quoted(&chunk), chunk.clone()),
            (json!({"message": chunk}).to_string(), chunk.clone()),
            (json!({"details": [{"value": chunk}]}).to_string(), chunk.clone()),
            (plain.clone(), plain),
        ];
        let answers = bodies.iter().map(|(body, _)| Answer::status(400).body(body));
        let twice = answers.flat_map(|answer| [answer.clone(), answer]);
        let server = Server::http().answers(twice).start();
        for (_, text) in &bodies {
            runs_cleanly(to_hello().against(&server).arg("-vv"), 40);
            let document = in_json(to_hello().against(&server), 40);
            let message = document["error"]["server_message"].as_str().unwrap();
            assert_eq!(message.trim_ascii(), text.trim_ascii());
        }
    }
}

#[test]
fn text_in_a_header_of_an_answer() {
    // The tab is the only control character that HTTP lets through.
    let all: String = ['\t'].into_iter().chain((0x20..0x7f).chain(0x80..0x3000).filter_map(char::from_u32)).collect();
    let all: Vec<char> = all.chars().collect();
    for chunk in all.chunks(CHUNK) {
        let value = format!("/x{}x", String::from_iter(chunk));
        let answer = Answer::status(302).header("Location", &value).header("X-Any", &value);
        let server = Server::http().answer(answer).start();
        runs_cleanly(to_hello().against(&server).arg("-vv"), 30);
        let document = in_json(to_hello().against(&server), 30);
        assert_eq!(document["error"]["location"], value);
    }
    // Bytes that are not text.
    let bytes: Vec<u8> = (0x80..=0xff).collect();
    let server = Server::http().answer(Answer::status(302).header("Location", bytes)).start();
    runs_cleanly(to_hello().against(&server).arg("-vv"), 30);
}
