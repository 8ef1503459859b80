//! The rows in which names, connections or the form of the answer fail.

use std::time::Duration;

use super::row::{Group, table};
use super::scene::{Scene, answers, behaves, raw, raw_then_stall};
use support::server::{Answer, Behaviour, Moment};
use support::sockets::{black_hole, closed_port};

const TICK: Duration = Duration::from_millis(5);

fn refused() -> Scene {
    let closed = closed_port();
    let url = format!("http://127.0.0.1:{}", closed.port);
    Scene::nowhere(&["--base-url", &url]).keeping(closed)
}

fn hole() -> Scene {
    let hole = black_hole();
    let url = format!("http://127.0.0.1:{}", hole.port);
    Scene::nowhere(&["--base-url", &url]).keeping(hole)
}

fn no_such_name() -> Scene {
    Scene::nowhere(&["--base-url", "https://nobody.invalid"])
}

pub(super) fn sockets() -> Group {
    table! { "Names, connections, and answers that are no HTTP";
        "a name that does not exist", no_such_name() => not_sent dns 6, 0 request, at_once;
        "a port that refuses", refused() => not_sent connect 7, 0 request, at_once;
        "no answer to the connection, against --connect-timeout", hole() => not_sent timeout 28, 0 request, connect_timeout;
        "no answer to the connection, against --timeout", hole() => not_sent timeout 28, 0 request, timeout;
        "closed before the request", behaves(Behaviour::Close) => unknown broken_reply 8, 0 request, at_once;
        "closed at the first byte", answers(Answer::close(Moment::FirstByte)) => unknown broken_reply 8, 1 request, at_once;
        "closed after the head", answers(Answer::close(Moment::Head)) => unknown broken_reply 8, 1 request, at_once;
        "closed after the whole request", answers(Answer::close(Moment::Whole)) => unknown broken_reply 8, 1 request, at_once;
        "reset at the first byte", answers(Answer::reset(Moment::FirstByte)) => unknown broken_reply 8, 1 request, at_once;
        "reset after the head", answers(Answer::reset(Moment::Head)) => unknown broken_reply 8, 1 request, at_once;
        "reset after the whole request", answers(Answer::reset(Moment::Whole)) => unknown broken_reply 8, 1 request, at_once;
        "silence from the first byte on", answers(Answer::stall(Moment::FirstByte)) => unknown timeout 28, 1 request, timeout;
        "silence after the head", answers(Answer::stall(Moment::Head)) => unknown timeout 28, 1 request, timeout;
        "silence after the whole request", answers(Answer::stall(Moment::Whole)) => unknown timeout 28, 1 request, timeout;
        "silence within the status line", raw_then_stall("HTTP/1.1 2") => unknown timeout 28, 1 request, timeout;
        "silence within the headers", raw_then_stall("HTTP/1.1 200 OK\r\nContent-Le") => unknown timeout 28, 1 request, timeout;
        "the head a byte at a time", answers(Answer::accepted().dripping_from_the_head(TICK * 10)) => unknown timeout 28, 1 request, timeout;
        "closed within the status line", raw("HTTP/1.1 2") => unknown broken_reply 8, 1 request, at_once;
        "closed within the headers", raw("HTTP/1.1 200 OK\r\nContent-Le") => unknown broken_reply 8, 1 request, at_once;
        "garbage", answers(Answer::garbage()) => unknown broken_reply 8, 1 request, at_once;
        "HTTP/0.9", answers(Answer::http_0_9()) => unknown broken_reply 8, 1 request, at_once;
        "HTTP/2", raw("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64") => unknown broken_reply 8, 1 request, at_once;
        "HTTP/3.0", raw("HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\n{}") => unknown broken_reply 8, 1 request, at_once;
        "TLS in place of HTTP", raw("\x15\x03\x01\0\x02\x02\x28") => unknown broken_reply 8, 1 request, at_once;
        "a status line of a megabyte", answers(Answer::huge_status_line(1 << 20)) => unknown broken_reply 8, 1 request, at_once;
        "endless headers", answers(Answer::endless_headers(Duration::ZERO)) => unknown broken_reply 8, 1 request, at_once;
        "endless headers, slowly", answers(Answer::endless_headers(TICK * 20)) => unknown timeout 28, 1 request, timeout;
        "a header that never ends", answers(Answer::Endless { opening: b"HTTP/1.1 200 OK\r\nX: ".to_vec(), repeated: vec![b'x'; 4096], pause: Duration::ZERO }) => unknown broken_reply 8, 1 request, at_once;
        "a header with a NUL", raw("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}") => unknown broken_reply 8, 1 request, at_once;
        "two Content-Lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}") => unknown broken_reply 8, 1 request, at_once;
        "a Content-Length below nothing", raw("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}") => unknown broken_reply 8, 1 request, at_once;
    }
}
