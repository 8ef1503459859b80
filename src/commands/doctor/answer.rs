//! The checks of the answer: that the server speaks HTTP, and that its clock and ours agree.

use std::time::{Duration, Instant, SystemTime};

use reqwest::Url;

use super::chart::Chart;
use super::check::Check;
use crate::api::transport::{Exchange, Transport};
use crate::commands::error::CommandError;
use crate::report::exchange;
use crate::settings::credential::certificate::ClientCertificate;
use crate::settings::network::Network;

/// Clocks that differ by more than this need a look.
const TOLERATED: Duration = Duration::from_secs(60);

/// Asks for the head of `/` and looks at the answer.
pub(super) fn check(
    network: &Network,
    identity: Option<&ClientCertificate>,
    operation: &Url,
    chart: &mut Chart,
) -> Option<()> {
    let mut url = operation.clone();
    url.set_path("/");
    let transport = match Transport::to(network, identity, &url) {
        Ok(transport) => transport,
        Err(error) => {
            chart.add(Check::of_fault("http", &CommandError::from(error)));
            return None;
        }
    };
    chart.trace(&format!("> HEAD / HTTP/1.1 ({})", url.authority()));
    let (clock, start) = (SystemTime::now(), Instant::now());
    let answer = match transport.head(&url) {
        Ok(answer) => answer,
        Err(failure) => {
            let subject = format!("HEAD {url}");
            chart.add(Check::of_failure("http", &subject, failure));
            return None;
        }
    };
    let took = start.elapsed();
    if chart.reporter.output().verbose > 0 {
        let lines = exchange::answer(&answer, false, chart.reporter.safe());
        for line in &lines {
            chart.trace(line);
        }
    }
    let status = answer.status_line.split(' ').nth(1).unwrap_or_default();
    let message = format!("HEAD {url} was answered with {status} in {} ms; any status will do here", took.as_millis());
    chart.add(Check::ok("http", message));
    // The server looked at its clock somewhere between question and answer.
    chart.add(compare(date(&answer), clock + took / 2));
    Some(())
}

fn date(answer: &Exchange) -> Option<Result<SystemTime, String>> {
    let (_, text) = answer.headers.iter().find(|(name, _)| name == "date")?;
    Some(httpdate::parse_http_date(text).map_err(|_| text.clone()))
}

fn compare(server: Option<Result<SystemTime, String>>, ours: SystemTime) -> Check {
    let server = match server {
        Some(Ok(server)) => server,
        Some(Err(text)) => {
            return Check::warning(
                "clock",
                format!("the server sends the date `{text}`, which is none"),
                "compare this machine's clock with another",
            );
        }
        None => {
            return Check::warning(
                "clock",
                "the server sends no date to compare with",
                "compare this machine's clock with another",
            );
        }
    };
    let (off, way) = match ours.duration_since(server) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if off <= TOLERATED {
        return Check::ok("clock", "agrees with the server's to within a minute");
    }
    let off = humantime::format_duration(Duration::from_secs(off.as_secs()));
    Check::warning(
        "clock",
        format!("this machine's clock is {off} {way} the server's"),
        "set it (NTP): the dates of certificates and of Retry-After are read against it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::check::State;

    #[test]
    fn a_clock_is_compared_in_both_directions() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let with = |server| compare(Some(Ok(server)), now);
        let second = Duration::from_secs(1);
        for near in [now, now - 60 * second, now + 60 * second] {
            assert_eq!(with(near).state, State::Ok);
        }
        let behind = with(now + 3700 * second);
        assert_eq!(behind.state, State::Warning);
        assert_eq!(behind.message, "this machine's clock is 1h 1m 40s behind the server's");
        let ahead = with(now - 61 * second);
        assert_eq!(ahead.message, "this machine's clock is 1m 1s ahead of the server's");
        assert_eq!(compare(None, now).state, State::Warning);
        assert_eq!(compare(Some(Err("x".into())), now).state, State::Warning);
    }
}
