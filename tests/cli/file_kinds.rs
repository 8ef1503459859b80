//! Files named by flags and settings: read up to a limit, and only regular files. Only a token may come from a pipe.

use std::fs::File;
use std::io::Write;
use std::process::Command;
use std::thread;

use support::harness::Vescli;
use support::server::Server;

fn send() -> Vescli {
    Vescli::new().args(["send", "--tenant", "t", "-e", "hello@example.com", "--retries", "0"])
}

/// A named pipe in the folder of the run, private, and without a writer.
fn with_pipe(vescli: Vescli) -> Vescli {
    let path = vescli.folder().join("pipe");
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status();
    assert!(made.unwrap().success());
    vescli
}

#[test]
fn devices_folders_and_pipes_are_not_files() {
    let server = Server::https(support::certificates::Authority::new().server()).uncalled().start();
    for (flags, code, message) in [
        (&["--config"][..], 78, "is not a regular file: name another with --config, or `--config none`"),
        (&["--cacert"], 65, "is not a regular file"),
        (&["--cert"], 78, "is not a regular file"),
        (&["--cert", "cert.pem", "--key"], 78, "is not a regular file"),
        (&["--p12"], 78, "is not a regular file"),
        (&["--p12", "a.p12", "--p12-password-file"], 78, "is not a regular file"),
    ] {
        if cfg!(not(feature = "p12")) && flags[0] == "--p12" {
            continue;
        }
        for path in ["/dev/zero", "/dev/null", "pipe", "."] {
            with_pipe(send())
                .against(&server)
                .file("cert.pem", "")
                .file("a.p12", "")
                .args(flags)
                .arg(path)
                .code(code)
                .stderr_contains(format!("{path} {message}"))
                .run();
        }
    }
    for path in ["/dev/zero", "/dev/null", "."] {
        send()
            .against(&server)
            .args(["--token-file", path])
            .code(78)
            .stderr(format!(
                "error: --token-file: {path} is not a regular file and not a pipe; `--token-file -` reads standard input\n"
            ))
            .run();
    }
}

#[test]
fn a_file_beyond_its_limit_is_refused() {
    let server = Server::https(support::certificates::Authority::new().server()).uncalled().start();
    let remarks = |size: usize| vec![b'#'; size];
    let mut config = b"[defaults]\n".to_vec();
    config.extend(remarks((1 << 20) - config.len()));
    // As large as it may be: it is read, and something else is wrong.
    Vescli::new()
        .args(["config", "check", "--config", "c.toml"])
        .file("c.toml", &config)
        .stdout_contains("c.toml: ")
        .run();
    config.push(b'#');
    Vescli::new()
        .args(["config", "check", "--config", "c.toml"])
        .file("c.toml", &config)
        .code(78)
        .stderr("error: c.toml is larger than 1 MiB: name another with --config, or `--config none`\n")
        .run();
    for (size, message) in [
        (16 << 20, "contains no certificate"),
        ((16 << 20) + 1, "is larger than 16 MiB, too large for a bundle of certificates"),
    ] {
        send()
            .against(&server)
            .args(["--cacert", "ca.pem"])
            .file("ca.pem", remarks(size))
            .code(65)
            .stderr_contains(message)
            .run();
    }
    for flag in ["--cert", "--p12"] {
        if cfg!(feature = "p12") || flag == "--cert" {
            send()
                .against(&server)
                .args([flag, "identity"])
                .file("identity", remarks((1 << 20) + 1))
                .code(78)
                .stderr_contains("identity is larger than 1 MiB: is it the right file?")
                .run();
        }
    }
}

#[test]
fn a_token_is_read_from_a_private_pipe() {
    let server = Server::http().start();
    let vescli = with_pipe(send()).against(&server).args(["--token-file", "pipe"]);
    let path = vescli.folder().join("pipe");
    let writing = thread::spawn(move || {
        let mut pipe = File::options().write(true).open(path).unwrap();
        pipe.write_all(b"s3cret-token\n").unwrap();
    });
    vescli.stdout_contains("accepted: ").run();
    writing.join().unwrap();
    assert_eq!(server.request().header("authorization"), Some("APIToken s3cret-token"));
    let open = with_pipe(send()).against(&server).args(["--token-file", "pipe"]);
    let path = open.folder().join("pipe");
    assert!(Command::new("chmod").arg("644").arg(&path).status().unwrap().success());
    // The pipe is opened before it is inspected, and so needs a writer.
    let writing = thread::spawn(move || drop(File::options().write(true).open(path)));
    open.code(78).stderr("error: --token-file: pipe can be read by others (mode 0644): run `chmod 600 pipe`\n").run();
    writing.join().unwrap();
    assert_eq!(server.count(), 1);
}
