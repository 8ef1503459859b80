//! What a run says of itself in its journal, as it is read back, and who ran it: the user, the machine and the job, for a
//! later audit.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use crate::args::environment::Environment;
use crate::settings::bulk::Shard;
use crate::settings::clock::Timestamp;

/// A run that wrote into the journal, with the fields of its record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunRecord {
    #[serde(rename = "v")]
    pub version: u32,
    pub id: String,
    pub url: String,
    /// The service of that URL, by which people are known in other journals.
    #[serde(default)]
    pub service: String,
    pub tenant: Option<String>,
    /// The cname of rows that bring none; not known of a journal of version 1.
    pub cname: Option<String>,
    /// The list; not known of a journal of version 1.
    pub list: Option<String>,
    pub input_sha256: String,
    pub rows: u64,
    /// The part of the list that it sent, if several runs shared it.
    #[serde(default, deserialize_with = "shard")]
    pub shard: Option<Shard>,
    #[serde(default)]
    pub part: Part,
    pub vescli: String,
    /// Who ran it; older journals do not say.
    #[serde(skip)]
    pub author: Author,
    #[serde(skip)]
    pub at: Timestamp,
}

fn shard<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Shard>, D::Error> {
    let text = Option::<Cow<'_, str>>::deserialize(value)?;
    text.map(|text| text.parse()).transpose().map_err(D::Error::custom)
}

/// How the requests below a run's record stand to others about the same people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The run wrote them itself: each supersedes what stands before it.
    #[default]
    Own,
    /// A merge took them from another journal, and they supersede nothing.
    #[serde(rename = "joined")]
    Merged,
    /// The same, of requests that are superseded.
    Superseded,
    /// What a later version may write.
    #[serde(other)]
    Newer,
}

impl Part {
    /// The field in the record; none for what a run writes itself.
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

    /// The shard whose journal it was written to. A record that a merge took from another journal says nothing of the one
    /// it is in now.
    pub fn own_shard(&self) -> Option<Shard> {
        self.shard.filter(|_| self.part == Part::Own)
    }
}

/// The part of a URL that is not in the service: the path. The scheme takes no part: only a loopback address has another
/// one than https, and a rehearsal with TLS is continued by one without.
fn path_of(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned())
}

/// Most characters of each value: they come from the environment, and are in every run's record.
const VALUE_CHARS_MAX: usize = 300;

/// Who ran it, as far as that is known. The user is what the environment says, which anyone can set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub user: Option<String>,
    pub host: Option<String>,
    /// The job of a CI system or a scheduler: its URL where there is one.
    pub job: Option<String>,
}

impl Author {
    pub fn of(environment: &Environment) -> Self {
        // A URL is cut only after its secrets are removed: cut before, it may end within a password that is not recognised.
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

/// The variables are those that the systems themselves document. A scheduler comes last: a CI runner may itself be its job.
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

/// A URL without what may be a secret: its user, its password, its query and its fragment. None for other text, in which
/// a secret could be anywhere.
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
        let nobody = Author::of(&Environment::default());
        assert_eq!(nobody.user.is_some(), cfg!(unix));
        assert_eq!(nobody.host.is_some(), cfg!(unix));
    }
}
