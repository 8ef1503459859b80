//! Where the commands run: a home with what a user has, and the service behind a proxy that leads every name to a server
//! here. So URLs, profiles and credentials are those that the documents name.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::extract::Printed;
use crate::table::{Row, Start};
use support::certificates::Authority;
use support::harness::{Output, Vescli};
use support::proxy::{Proxy, Tunnel};
use support::server::{Answer, End, Moment, Server};

const CONFIG: &str = "default_profile = \"prod\"\n\n\
    [profiles.prod]\ntenant = \"example-corp\"\n\n\
    [profiles.lab]\nextends = \"prod\"\ntenant = \"example-lab\"\n";
const LIST: &str = "email\nada@example.com\nbob@example.com\ncy@example.com\n";
const OBJECTS: &str = r#"[{"name":"Ada","email":"ada@example.com"},{"name":"Bob","email":"bob@example.com"}]"#;
const SCRIPT: &str = "#!/bin/sh\nvescli send --email ada@example.com\n";
const SEND_LIST: &str = "vescli bulk users.csv --yes --rate none";

pub(crate) struct World {
    authority: Authority,
    server: Server,
    proxy: Proxy,
    /// Whether the server hangs up on every request that it has read.
    hangs_up: Arc<AtomicBool>,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::new();
        let hangs_up = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&hangs_up);
        let names = ["example-corp", "example-lab"].map(|tenant| format!("{tenant}.console.ves.volterra.io"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let server = Server::https(authority.server_named(&names)).choose(move |_| {
            if asked.load(Ordering::SeqCst) {
                Answer::Silence { after: Moment::Whole, end: End::Close }
            } else {
                Answer::accepted()
            }
        });
        let server = server.start();
        let proxy = Proxy::start(Tunnel::To(server.address()));
        Self { authority, server, proxy, hangs_up }
    }

    /// A shell with the variables that lead to the server, and nothing configured.
    fn shell(&self, name: &str, within: Option<&Output>) -> Vescli {
        let paths = ["/bin", "/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join(name));
        let path = paths.iter().find(|path| path.exists());
        let path = path.unwrap_or_else(|| panic!("this check needs {name}: install it"));
        let shell = within.map_or_else(|| Vescli::program(path), |output| output.again_with(path));
        let authority = shell.folder().join("ca.pem");
        shell
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", support::program_folder()))
            .env("HTTPS_PROXY", self.proxy.url())
            .env("VESCLI_CACERT", authority)
            .file("ca.pem", self.authority.pem())
            .stdout_contains("")
            .stderr_contains("")
            .any_ending()
    }

    pub(crate) fn bash(&self, within: Option<&Output>) -> Vescli {
        self.shell("bash", within)
    }

    fn script(&self, within: Option<&Output>, script: &str) -> Vescli {
        self.script_in("bash", within, script)
    }

    fn script_in(&self, shell: &str, within: Option<&Output>, script: &str) -> Vescli {
        let flags: &[&str] = match shell {
            "fish" => &["--no-config", "-c"],
            "zsh" => &["-f", "-e", "-o", "pipefail", "-c"],
            _ => &["-e", "-o", "pipefail", "-c"],
        };
        let shell = self.shell(shell, within).env("VESCLI_TOKEN", "s3cret-token").stdin("s3cret-token\n");
        // The person whom a script on-boards is its first argument.
        shell.args(flags).args([script, "runbook", "ada@example.com"])
    }

    /// A home as a command needs it.
    fn home(&self, start: Start) -> Output {
        let home = self.script(None, "true").file("users.csv", LIST).file("users.json", OBJECTS);
        let home = home.file_mode("onboard.sh", SCRIPT, 0o755).file("vescli.toml", CONFIG);
        let home = if start == Start::NoConfig { home.run() } else { home.config(CONFIG).run() };
        let prepare: &[&str] = match start {
            Start::Fresh | Start::NoConfig | Start::Serves => &[],
            Start::Sent | Start::Unknown => &[SEND_LIST],
            Start::Resolved => &[SEND_LIST, "vescli journal resolve users.csv --all-unknown --as accepted"],
            // By its text: in which line a person comes depends on which worker is first.
            Start::Damaged => &[SEND_LIST, "sed -i '/intent/s/ada@/eve@/' ~/.local/state/vescli/*.ndjson"],
        };
        self.hangs_up.store(matches!(start, Start::Unknown | Start::Resolved), Ordering::SeqCst);
        for command in prepare {
            self.script(Some(&home), command).run();
        }
        self.hangs_up.store(false, Ordering::SeqCst);
        home
    }

    /// Runs a command, and says what is wrong, if anything is.
    pub(crate) fn run(&self, printed: &Printed, row: &Row) -> Option<String> {
        self.run_in("bash", printed, row)
    }

    pub(crate) fn run_in(&self, shell: &str, printed: &Printed, row: &Row) -> Option<String> {
        let home = self.home(row.start);
        // fish would stay in between, and the signal that ends the command is for that alone.
        let begin = if shell == "fish" && row.start == Start::Serves { "exec " } else { "" };
        let mut shell = self.script_in(shell, Some(&home), &format!("{begin}{}", printed.text));
        for (name, value) in row.variables {
            shell = shell.env(name, value);
        }
        let (code, output) = if row.start == Start::Serves {
            let serving = shell.start();
            serving.wait_for_stdout("export VESCLI_TOKEN=");
            serving.wait_for_stderr("stops it");
            serving.signal("INT");
            let output = serving.finish();
            // By that very signal: the command did its work until then.
            (if output.signal == Some(2) { Some(0) } else { output.code }, output)
        } else {
            let output = shell.run();
            (output.code, output)
        };
        (code != Some(i32::from(row.code))).then(|| {
            format!(
                "{}: `{}` ended with {}, not {}\n{}{}",
                printed.place,
                printed.text,
                code.map_or_else(|| "a signal".to_owned(), |code| code.to_string()),
                row.code,
                output.stdout,
                output.stderr
            )
        })
    }

    /// How many requests would have mailed someone.
    pub(crate) fn posts(&self) -> usize {
        self.server.requests().iter().filter(|request| request.method == "POST").count()
    }

    /// Reaches the server once: a server without a request fails the test.
    pub(crate) fn call(&self) {
        self.home(Start::Sent);
        assert!(self.server.count() > 0);
    }
}
