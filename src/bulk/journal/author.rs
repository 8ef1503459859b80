//! Who ran it: what a run says of its user, its machine and its job, for whoever audits the journal later.

use url::Url;

use crate::args::environment::Environment;

/// Most characters of each value: they come from the environment, and stand in every run's record.
const LENGTH_MAX: usize = 300;

/// Who ran it, as far as that is known. The user is what the environment says, which anyone can set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    pub user: Option<String>,
    pub host: Option<String>,
    /// The job of a CI system or a scheduler: its URL where there is one.
    pub job: Option<String>,
}

impl Author {
    pub fn of(environment: &Environment) -> Self {
        let variable = |name: &str| environment.get(name).map(|value| bounded(&value.to_string_lossy()));
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable).or_else(user_number);
        let host = host().or_else(|| variable("COMPUTERNAME")).or_else(|| variable("HOSTNAME"));
        Self { user, host, job: job(variable) }
    }
}

/// The variables are those that the systems themselves document. A scheduler comes last: a runner may itself be its job.
fn job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let (repository, run) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
        let server = variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        Some(without_user(&format!("{server}/{repository}/actions/runs/{run}")))
    };
    let url = |name: &str| variable(name).map(|url| without_user(&url));
    let number = |system: &str, name: &str| variable(name).map(|number| format!("{system} job {number}"));
    let job = github()
        .or_else(|| url("CI_JOB_URL"))
        .or_else(|| number("GitLab", "CI_JOB_ID"))
        .or_else(|| url("BUILD_URL"))
        .or_else(|| number("Slurm", "SLURM_JOB_ID"));
    job.map(|job| bounded(&job))
}

fn bounded(text: &str) -> String {
    text.chars().take(LENGTH_MAX).collect()
}

/// A URL without what may be a secret: its user, its password, and its query.
fn without_user(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return text.to_owned();
    };
    // These fail for a URL without a host, which has no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.into()
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as where users have no number")]
fn user_number() -> Option<String> {
    Some(format!("uid {}", rustix::process::getuid().as_raw()))
}

#[cfg(not(unix))]
const fn user_number() -> Option<String> {
    None
}

#[cfg(unix)]
fn host() -> Option<String> {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    (!name.is_empty()).then(|| bounded(&name))
}

#[cfg(not(unix))]
const fn host() -> Option<String> {
    None
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
    fn the_user_is_bounded_and_never_missing_on_unix() {
        let long = "x".repeat(LENGTH_MAX + 1);
        let author = Author::of(&[("USER", long.as_str())].into_iter().collect());
        assert_eq!(author.user.unwrap().len(), LENGTH_MAX);
        let nobody = Author::of(&Environment::default());
        assert_eq!(nobody.user.is_some(), cfg!(unix));
        assert_eq!(nobody.host.is_some(), cfg!(unix));
    }
}
