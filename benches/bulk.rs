//! A list against what people use instead: GNU parallel around curl with a log of jobs, `curl --parallel` with kept
//! connections and no journal, and how long a list of a million rows takes until its first request. Medians of
//! interleaved runs, reported as ratios; nginx counts the mails. Needs Debian's packages ca-certificates,
//! curl, nginx-light and parallel. Run it with `cargo bench --locked --bench bulk`. With `VESCLI_OTHER=FILE`, another build
//! of vescli takes part: a musl one of `release/build`, to compare its allocator with glibc's.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: a failure has to end it, and it prints what it saw"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::lists;
use support::nginx::{Config, Nginx};
use tempfile::TempDir;
use vescli::bulk::journal::{key, service_of};

/// Rounds; in each, every program has its turn.
const ROUNDS: usize = 5;
/// Rows for a connection each, for kept connections, and for GNU parallel, which is slow.
const FRESH: usize = 5_000;
const KEPT: usize = 20_000;
const PARALLEL: usize = 200;
const MILLION: usize = 1_000_000;
/// Requests under way at once, for all of them.
const JOBS: &str = "16";

/// What a run that mailed the first `rows` of a list leaves behind.
fn journal_of(url: &str, rows: usize) -> String {
    let service = service_of(url);
    lists::journal(url, &service, |email| key(&service, "t", email), rows)
}

fn main() {
    let nginx = Nginx::start(&Config {
        http: "keepalive_requests 1000000;",
        // Full handshakes for everyone: a curl of its own for each mail could not resume one either.
        server: "ssl_session_tickets off;",
        location: "default_type application/json; return 200 '{}';",
        ..Config::default()
    });
    let bench = Bench {
        folder: TempDir::with_prefix("vescli-bench-").unwrap(),
        url: nginx.url(),
        program: support::program(),
        other: other_build(),
    };
    bench.prepare(&nginx.authority.pem());
    let mut runs = vec![
        ("vescli bulk", FRESH, Bench::vescli as Run),
        ("vescli bulk --keep-alive", KEPT, Bench::vescli_kept),
        ("curl --parallel", KEPT, Bench::curl),
        ("parallel --joblog curl", PARALLEL, Bench::parallel),
    ];
    if bench.other.is_some() {
        runs.push(("other bulk", FRESH, Bench::other));
        runs.push(("other bulk --keep-alive", KEPT, Bench::other_kept));
    }
    let mut rates = vec![Vec::new(); runs.len()];
    for _ in 0..ROUNDS {
        for ((_, rows, run), rates) in runs.iter().zip(&mut rates) {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            rates.push(*rows as f64 / run(&bench, *rows).as_secs_f64());
        }
    }
    let median = |mut rates: Vec<f64>| {
        rates.sort_unstable_by(f64::total_cmp);
        rates[ROUNDS / 2]
    };
    let medians: Vec<f64> = rates.into_iter().map(median).collect();
    for ((name, _, _), median) in runs.iter().zip(&medians) {
        println!("{name:<26} {median:>8.0} mails/s");
    }
    println!("vescli bulk / parallel          {:>6.1}", medians[0] / medians[3]);
    println!("--keep-alive / curl --parallel  {:>6.2}", medians[1] / medians[2]);
    if bench.other.is_some() {
        println!("other / vescli bulk             {:>6.2}", medians[4] / medians[0]);
        println!("other / vescli, --keep-alive    {:>6.2}", medians[5] / medians[1]);
    }
    let mut mailed = ROUNDS * runs.iter().map(|(_, rows, _)| rows).sum::<usize>();
    for known in [0, MILLION] {
        let first = bench.until_the_first(known);
        mailed += 1;
        println!("{MILLION} rows, {known} of them mailed before: {:.2} s for one more", first.as_secs_f64());
    }
    let known = bench.known_from_another_list();
    mailed += 1;
    println!("{MILLION} rows, {MILLION} of them known from another list: {:.2} s for one more", known.as_secs_f64());
    assert_eq!(nginx.requests().len(), mailed, "everybody was mailed once");
}

/// Sends to the first N people, and returns how long it took.
type Run = fn(&Bench, usize) -> Duration;

#[expect(clippy::disallowed_methods, reason = "the door to the environment is the product's")]
fn other_build() -> Option<String> {
    std::env::var("VESCLI_OTHER").ok()
}

struct Bench {
    folder: TempDir,
    url: String,
    program: String,
    other: Option<String>,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Lists and certificates. All programs read Debian's bundle, with the authority of this run at its end.
    fn prepare(&self, authority: &str) {
        let bundle = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap();
        self.write("bundle.pem", &(bundle + authority));
        for rows in [FRESH, KEPT, PARALLEL, MILLION + 1] {
            self.write(&format!("{rows}.csv"), &lists::table(rows));
        }
        let request = |row| {
            let email = lists::address(row);
            format!(
                "url = \"{}/no_auth/send_password_email\"\noutput = \"/dev/null\"\nhttp1.1\n\
                 json = \"{{\\\"cname\\\":\\\"t\\\",\\\"email\\\":\\\"{email}\\\"}}\"\n",
                self.url
            )
        };
        let requests: Vec<String> = (0..KEPT).map(request).collect();
        self.write("curl.config", &requests.join("next\n"));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("SSL_CERT_FILE", self.path("bundle.pem"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn bulk(&self, rows: usize, more: &[&str]) -> Duration {
        self.bulk_by(&self.program, rows, more)
    }

    fn bulk_by(&self, program: &str, rows: usize, more: &[&str]) -> Duration {
        let mut command = self.command(program);
        command
            // The same people are on all of these lists.
            .env("XDG_STATE_HOME", self.path(&format!("state-{rows}")))
            .args(["bulk", &format!("{rows}.csv"), "--yes", "--rate", "none"])
            .args(["--jobs", JOBS, "--tenant", "t", "--base-url", &self.url])
            .args(more);
        timed(command)
    }

    fn vescli(&self, rows: usize) -> Duration {
        self.bulk(rows, &["--fresh"])
    }

    fn vescli_kept(&self, rows: usize) -> Duration {
        self.bulk(rows, &["--fresh", "--keep-alive"])
    }

    fn other(&self, rows: usize) -> Duration {
        self.bulk_by(self.other.as_deref().unwrap(), rows, &["--fresh"])
    }

    fn other_kept(&self, rows: usize) -> Duration {
        self.bulk_by(self.other.as_deref().unwrap(), rows, &["--fresh", "--keep-alive"])
    }

    fn curl(&self, _: usize) -> Duration {
        let mut command = self.command("curl");
        command.args(["-q", "-sS", "--parallel", "--parallel-max", JOBS, "-K", "curl.config"]);
        timed(command)
    }

    fn parallel(&self, rows: usize) -> Duration {
        let url = format!("{}/no_auth/send_password_email", self.url);
        let mut command = self.command("parallel");
        command
            .args(["--will-cite", "--jobs", JOBS, "--joblog", "joblog", "--skip-first-line"])
            .args(["-a", &format!("{rows}.csv")])
            .args(["curl", "-q", "-sS", "-o", "/dev/null", "--http1.1", "--json"])
            .args([r#"'{"cname":"t","email":"'{}'"}'"#, &url]);
        timed(command)
    }

    /// Mails one person of a list of whom N were mailed before.
    fn until_the_first(&self, known: usize) -> Duration {
        let url = format!("{}/no_auth/send_password_email", self.url);
        let journal = self.path(&format!("{known}.ndjson"));
        if known > 0 {
            fs::write(&journal, journal_of(&url, known)).unwrap();
            fs::set_permissions(&journal, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let more = ["--limit", "1", "--journal", journal.to_str().unwrap()];
        self.bulk(MILLION + 1, &more)
    }

    /// Mails the one person of a list whom another list of a million does not know.
    fn known_from_another_list(&self) -> Duration {
        let url = format!("{}/no_auth/send_password_email", self.url);
        let folder = self.path(&format!("state-{}", MILLION + 1)).join("vescli");
        fs::create_dir_all(&folder).unwrap();
        let journal = folder.join("other.csv-0123456789abcdef.ndjson");
        fs::write(&journal, journal_of(&url, MILLION)).unwrap();
        fs::set_permissions(&journal, fs::Permissions::from_mode(0o600)).unwrap();
        // The run that mailed a million people leaves an index behind; here it is made by a look.
        self.bulk(MILLION + 1, &["--dry-run"]);
        self.bulk(MILLION + 1, &["--known", "skip"])
    }
}

fn timed(mut command: Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let elapsed = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    elapsed
}
