//! Commands that send nothing: version, explain, config, doctor, sandbox.

use support::harness::Vescli;
use support::server::{Behaviour, Server};
use support::sockets::closed_port;

use super::collection::{Collection, prepared};

const CONFIG: &str = "\
default_profile = \"prod\"\n[defaults]\ntimeout = \"30s\"\n[profiles.prod]\ntenant = \"example-corp\"\n[profiles.lab]\n";

pub(crate) fn collect(all: &mut Collection) {
    all.run(Vescli::new(), "--version", 0);
    all.run(Vescli::new(), "--no-such-flag", 2);
    for (line, code) in [("explain", 0), ("explain 42", 0), ("explain 143", 0), ("explain nonsense", 2)] {
        all.run(Vescli::new(), line, code);
    }
    config(all);
    doctor(all);
    sandbox(all);
}

fn config(all: &mut Collection) {
    let first = all.run(Vescli::new(), "config path", 0);
    all.run(first.again(), "config init --tenant example-corp", 0);
    all.run(first.again(), "config init", 2);
    all.run(Vescli::new(), "config path --config none", 2);
    for (action, failing, code) in [
        ("show", "--config missing.toml", 66),
        ("check", "--config broken.toml", 78),
        ("profiles", "--profile nowhere", 78),
        ("explain", "--config missing.toml", 66),
    ] {
        let configured = || Vescli::new().config(CONFIG).file("broken.toml", "= nonsense");
        all.run(configured(), &format!("config {action}"), 0);
        all.run(configured(), &format!("config {action} {failing}"), code);
    }
}

fn doctor(all: &mut Collection) {
    let server = Server::http().start();
    let closed = closed_port();
    let not_tls = Server::http().behaviours([Behaviour::plain_http()]).start();
    all.run(Vescli::new().against(&server), "doctor --tenant t", 0);
    all.run(Vescli::new(), "doctor", 78);
    all.run(Vescli::new(), &format!("doctor --tenant t --base-url http://127.0.0.1:{}", closed.port), 7);
    all.run(Vescli::new(), &format!("doctor --tenant t --base-url https://127.0.0.1:{}", not_tls.port()), 35);
}

/// The documents of the command that it runs, its own where it cannot, and its own without a command.
fn sandbox(all: &mut Collection) {
    all.run(Vescli::new(), "sandbox -- no-such-command", 127);
    all.run(Vescli::new(), "sandbox --log /no/such/folder/log", 74);
    // An answer, a request that is not the API's, and an answer that never comes.
    let rehearsal = r#"
        vescli --json send --email hello@example.com
        address=${VESCLI_BASE_URL#http://}
        exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
        printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&3
        read -r _ <&3
        vescli --json send --email drop@example.com --retries 0"#;
    let rehearsed = Vescli::new().file("rehearsal.sh", rehearsal);
    let output = all.run(rehearsed, "sandbox --log log.ndjson -- bash rehearsal.sh", 8);
    all.add_lines("vescli.sandbox-request-1", &output.folder.join("log.ndjson"));
    let send = format!("sandbox -- {} --json send --email hello@example.com", support::program());
    all.run(Vescli::new(), &send, 0);
    let serving = prepared(Vescli::new(), "sandbox").start();
    let announced = serving.wait_for_stdout("\n");
    all.add_printed("sandbox", &announced, 0);
    serving.signal("TERM");
    serving.finish();
}
