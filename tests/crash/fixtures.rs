//! What every check here needs: nginx that answers and counts, a folder with lists and journals, and runs of vescli.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::oracle::{Faults, State, compare, states};
use support::nginx::{Config, Nginx};
use support::peer::free_ports;

/// How long one run may take.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    nginx: Nginx,
    plain: u16,
    folder: TempDir,
}

/// A list and its journal.
pub(crate) struct Case {
    pub(crate) emails: Vec<String>,
    pub(crate) list: PathBuf,
    pub(crate) journal: PathBuf,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("vescli-crash-").unwrap();
        let [plain] = free_ports();
        // Below /fails everyone is mailed as well, although the answer is an error.
        let http = format!(
            "server {{ listen 127.0.0.1:{plain}; default_type application/json; \
             location / {{ return 200 '{{}}'; }} \
             location /fails/ {{ return 500 '{{\"code\":13}}'; }} }}"
        );
        let server = format!("location /fails/ {{ proxy_pass http://127.0.0.1:{plain}; }}");
        let nginx = Nginx::start(&Config { http: &http, server: &server, ..Config::default() });
        fs::write(folder.path().join("ca.pem"), nginx.authority.pem()).unwrap();
        Self { nginx, plain, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The URL without TLS, so that a trace shows the requests.
    pub(crate) fn plain_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.plain)
    }

    /// The URL below which everyone is mailed and every answer is an error.
    pub(crate) fn failing_url(&self) -> String {
        format!("{}/fails", self.nginx.url())
    }

    /// A new list of N people who are on no other list here.
    pub(crate) fn case(&self, name: &str, rows: usize) -> Case {
        let emails = (0..rows).map(|row| format!("{name}-{row}@example.com")).collect();
        self.case_of(name, emails)
    }

    /// A list of these people.
    pub(crate) fn case_of(&self, name: &str, emails: Vec<String>) -> Case {
        let case = Case {
            emails,
            list: self.folder.path().join(format!("{name}.txt")),
            journal: self.folder.path().join(format!("{name}.ndjson")),
        };
        case.write();
        case
    }

    /// The arguments of a run.
    pub(crate) fn arguments(case: &Case, jobs: usize) -> Vec<String> {
        let words = ["bulk", "LIST", "--journal", "JOURNAL", "--jobs", "JOBS"];
        words
            .iter()
            .chain(&["--rate", "none", "--yes", "--cacert", "ca.pem"])
            .map(|word| match *word {
                "LIST" => case.list.to_str().unwrap().to_owned(),
                "JOURNAL" => case.journal.to_str().unwrap().to_owned(),
                "JOBS" => jobs.to_string(),
                word => word.to_owned(),
            })
            .collect()
    }

    /// A program in the folder, with the environment of a run and nothing else, and silent.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("VESCLI_BASE_URL", self.nginx.url())
            .env("VESCLI_TENANT", "example-corp")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    pub(crate) fn start(&self, case: &Case, jobs: usize) -> Child {
        let mut command = self.command(support::program());
        command.args(Self::arguments(case, jobs)).spawn().unwrap()
    }

    /// Runs to the end; the code says that nothing is left that may be sent.
    pub(crate) fn finish(&self, case: &Case) {
        let mut child = self.start(case, 8);
        let status = wait(&mut child);
        assert!(matches!(status, Some(0 | 11)), "the run ended with {status:?}");
    }

    /// Mails one person, without a journal.
    pub(crate) fn send(&self, email: &str) {
        let mut command = self.command(support::program());
        command.args(["send", "--no-journal", "--cacert", "ca.pem", "-e", email]);
        let sent = command.status().unwrap().success();
        assert!(sent, "nginx no longer answers");
    }

    /// How often everyone was mailed, counted by nginx once everything before has been logged.
    pub(crate) fn mailed(&self) -> BTreeMap<String, usize> {
        let marker = format!("marker-{:016x}@example.com", fastrand::u64(..));
        self.send(&marker);
        let start = Instant::now();
        loop {
            let counted = self.counted();
            if counted.contains_key(&marker) {
                return counted;
            }
            assert!(start.elapsed() < LIMIT, "nginx does not log");
            // There is no event to wait for.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// When the requests about the people of a case came, in milliseconds, in order.
    pub(crate) fn arrivals(&self, case: &Case) -> Vec<u64> {
        let milliseconds = |value: &serde_json::Value| {
            let seconds = value.as_f64().unwrap();
            // A float may be a little less than the milliseconds that it stands for.
            u64::try_from(Duration::from_secs_f64(seconds + 0.000_1).as_millis()).unwrap()
        };
        let requests = self.nginx.requests();
        let is_meant = |body: &str| case.emails.iter().any(|email| body.contains(&format!("\"{email}\"")));
        let meant = requests.iter().filter(|request| is_meant(request["body"].as_str().unwrap()));
        let mut arrivals: Vec<u64> =
            meant.map(|request| milliseconds(&request["at"]) - milliseconds(&request["took"])).collect();
        arrivals.sort_unstable();
        arrivals
    }

    fn counted(&self) -> BTreeMap<String, usize> {
        let mut mailed = BTreeMap::new();
        for request in self.nginx.requests() {
            let body: Option<serde_json::Value> = serde_json::from_str(request["body"].as_str().unwrap()).ok();
            // A body that a kill has cut mailed no one: nginx answers 400, and has it logged too.
            let taken = request["status"] == 200 || request["status"] == 500;
            if let Some(body) = body.filter(|_| taken) {
                let email = body["email"].as_str().unwrap().to_owned();
                *mailed.entry(email).or_insert(0) += 1;
            }
        }
        mailed
    }

    /// What went wrong with a case that came to its end.
    pub(crate) fn faults(case: &Case, mailed: &BTreeMap<String, usize>) -> Faults {
        compare(&case.emails, mailed, &case.states())
    }
}

impl Case {
    /// Writes the list, again if it was edited.
    pub(crate) fn write(&self) {
        fs::write(&self.list, self.emails.join("\n") + "\n").unwrap();
    }

    pub(crate) fn states(&self) -> BTreeMap<String, State> {
        let bytes = fs::read(&self.journal).unwrap_or_default();
        states(&String::from_utf8_lossy(&bytes))
    }

    pub(crate) fn unknown(&self) -> usize {
        let states = self.states();
        states.values().filter(|state| **state == State::Unknown).count()
    }
}

/// Waits for a run to end by itself; one that takes too long is killed, and fails.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("a run takes longer than {LIMIT:?}");
}
