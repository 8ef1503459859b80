//! The record that begins a run: service, list, shard; and who started it, for a later audit.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::args::environment::Environment;
use crate::settings::bulk::Shard;
use crate::settings::clock::Timestamp;

/// The fields of a run's record, as read from the journal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunRecord {
    #[serde(rename = "v")]
    pub version: u32,
    pub id: String,
    pub url: String,
    /// The service of that URL, which is part of each person's key.
    #[serde(default)]
    pub service: String,
    pub tenant: Option<String>,
    /// The cname of rows without one; missing in version 1.
    pub cname: Option<String>,
    /// The list: its path, or `-`; missing in version 1.
    pub list: Option<String>,
    pub input_sha256: String,
    pub rows: u64,
    /// The shard of the list that it sent.
    #[serde(default, deserialize_with = "shard")]
    pub shard: Option<Shard>,
    #[serde(default)]
    pub part: Part,
    pub vescli: String,
    /// Who started it; empty in older journals.
    #[serde(skip)]
    pub author: Author,
    #[serde(skip)]
    pub at: Timestamp,
}

fn shard<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Shard>, D::Error> {
    let text = Option::<Cow<'_, str>>::deserialize(value)?;
    text.map(|text| text.parse()).transpose().map_err(D::Error::custom)
}

/// Whether the requests below a run's record supersede others for the same people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The run wrote them itself, and each supersedes the earlier ones for the same person.
    #[default]
    Own,
    /// A merge took them from another journal, and they supersede nothing.
    #[serde(rename = "joined")]
    Merged,
    /// A merge took them from another journal, and they are superseded.
    Superseded,
    /// A value that only a newer vescli knows.
    #[serde(other)]
    Newer,
}

impl Part {
    /// The field in the record; a run's own record has no such field.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Own | Self::Newer => "",
            Self::Merged => r#","part":"joined""#,
            Self::Superseded => r#","part":"superseded""#,
        }
    }
}

impl RunRecord {
    /// Whether it sent to this service and to the same path there.
    pub fn is_to(&self, service: &str, url: &str) -> bool {
        self.service == service && path_of(&self.url) == path_of(url)
    }

    /// The shard that this journal belongs to. The record in a merged journal does not count: it came from another
    /// journal.
    pub fn own_shard(&self) -> Option<Shard> {
        self.shard.filter(|_| self.part == Part::Own)
    }
}

/// The path of a URL. The scheme is ignored: only a loopback address may have another one than https, and a rehearsal
/// without TLS may continue one with TLS.
fn path_of(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned())
}

/// Values are cut to this many characters, because they come from the environment and each run records them.
const VALUE_CHARS_MAX: usize = 300;

/// Who started a run. Not proof: the values come from the environment, which anyone can set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub user: Option<String>,
    pub host: Option<String>,
    /// The job of a CI system or a scheduler: its URL where there is one.
    pub job: Option<String>,
}

impl Author {
    pub fn of(environment: &Environment) -> Self {
        // Secrets are removed from a URL before it is cut: a cut URL may end within a password, which is not recognised
        // then.
        let variable = |name: &str| environment.get(name).map(|value| value.to_string_lossy().into_owned());
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
        #[cfg(unix)]
        let user = user.or_else(|| Some(format!("uid {}", rustix::process::getuid().as_raw())));
        #[cfg(unix)]
        let host =
            Some(rustix::system::uname().nodename().to_string_lossy().into_owned()).filter(|name| !name.is_empty());
        #[cfg(not(unix))]
        let host = None;
        let host = host.or_else(|| variable("COMPUTERNAME")).or_else(|| variable("HOSTNAME"));
        let [user, host, job] = [user, host, job(variable)].map(|value| value.map(bounded));
        Self { user, host, job }
    }
}

/// The systems document these variables. A scheduler comes last, because a CI runner may be one of its jobs.
fn job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let (repository, run) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
        let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        without_secrets(&format!("{server}/{repository}/actions/runs/{run}"))
    };
    let url = |name: &str| variable(name).and_then(|url| without_secrets(&url));
    let number = |system: &str, name: &str| variable(name).map(|number| format!("{system} job {number}"));
    github()
        .or_else(|| url("CI_JOB_URL"))
        .or_else(|| number("GitLab", "CI_JOB_ID"))
        .or_else(|| url("BUILD_URL"))
        .or_else(|| number("Slurm", "SLURM_JOB_ID"))
}

fn bounded(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(VALUE_CHARS_MAX) {
        text.truncate(end);
    }
    text
}

/// A URL without the parts that may contain a secret: user, password, query and fragment. Nothing for other text, which
/// may contain a secret anywhere.
fn without_secrets(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok().filter(Url::has_host)?;
    // These fail only for a URL without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job_of(variables: &[(&str, &str)]) -> Option<String> {
        Author::of(&variables.iter().copied().collect()).job
    }

    #[test]
    fn each_system_names_its_job() {
        let github = ("GITHUB_REPOSITORY", "acme/boarding");
        let url = |job: Option<String>| job.unwrap();
        assert_eq!(url(job_of(&[github, ("GITHUB_RUN_ID", "17")])), "https://github.com/acme/boarding/actions/runs/17");
        let server = ("GITHUB_SERVER_URL", "https://git.acme.example");
        let own = job_of(&[github, server, ("GITHUB_RUN_ID", "17")]);
        assert_eq!(url(own), "https://git.acme.example/acme/boarding/actions/runs/17");
        let gitlab = ("CI_JOB_URL", "https://ada:hunter2@gitlab.example/-/jobs/5?token=hunter2");
        assert_eq!(url(job_of(&[gitlab, ("CI_JOB_ID", "5")])), "https://gitlab.example/-/jobs/5");
        assert_eq!(url(job_of(&[("CI_JOB_ID", "5")])), "GitLab job 5");
        assert_eq!(url(job_of(&[("BUILD_URL", "https://ci.example/job/a/9/")])), "https://ci.example/job/a/9/");
        assert_eq!(url(job_of(&[("SLURM_JOB_ID", "4711")])), "Slurm job 4711");
        assert_eq!(job_of(&[("GITHUB_RUN_ID", "17")]), None);
    }

    #[test]
    fn no_job_contains_a_secret_of_its_url_or_is_longer_than_the_bound() {
        let long = "x".repeat(VALUE_CHARS_MAX);
        for secret in ["hunter2", &long] {
            let server = format!("https://ada:{secret}@ci.example");
            let url = format!("{server}/9?key={secret}#key={secret}");
            let github = [("GITHUB_SERVER_URL", server.as_str()), ("GITHUB_REPOSITORY", "a/b"), ("GITHUB_RUN_ID", "9")];
            assert_eq!(job_of(&github).unwrap(), "https://ci.example/a/b/actions/runs/9");
            for name in ["CI_JOB_URL", "BUILD_URL"] {
                assert_eq!(job_of(&[(name, &url)]).unwrap(), "https://ci.example/9", "{name}");
            }
        }
        for text in ["https://ada:hunter2@", "ada:hunter2@ci.example/9", "//ada:hunter2@ci.example", "hunter2"] {
            assert_eq!(job_of(&[("BUILD_URL", text)]), None);
            assert_eq!(job_of(&[("CI_JOB_URL", text), ("CI_JOB_ID", "5")]).unwrap(), "GitLab job 5");
        }
        let path = format!("https://ci.example/{long}");
        let numbers = [("CI_JOB_ID", long.as_str()), ("SLURM_JOB_ID", &long), ("BUILD_URL", &path)];
        for job in numbers.map(|variable| job_of(&[variable])) {
            assert_eq!(job.unwrap().len(), VALUE_CHARS_MAX);
        }
    }

    #[test]
    fn the_user_is_bounded_and_never_missing_on_unix() {
        let long = "x".repeat(VALUE_CHARS_MAX + 1);
        let author = Author::of(&[("USER", long.as_str())].into_iter().collect());
        assert_eq!(author.user.unwrap().len(), VALUE_CHARS_MAX);
        let no_one = Author::of(&Environment::default());
        assert_eq!(no_one.user.is_some(), cfg!(unix));
        assert_eq!(no_one.host.is_some(), cfg!(unix));
    }
}
