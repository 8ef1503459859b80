//! The one request that is no operation: a `HEAD`, by which `doctor` sees that the server speaks HTTP and what its clock says.

use reqwest::Url;
use reqwest::header::USER_AGENT as USER_AGENT_HEADER;

use super::{Exchange, Transport};
use crate::api::outcome::Failure;
use crate::api::receive::shown;
use crate::api::request::USER_AGENT;

impl Transport {
    /// Asks for the head of a page: no body goes out or comes back, no credential is sent, and nobody is mailed.
    ///
    /// # Errors
    /// The [`Failure`] that a request would meet.
    pub fn head(&self, url: &Url) -> Result<Exchange, Failure> {
        let before = self.connections.count();
        self.observer.begin();
        let request = self.client.head(url.clone()).timeout(self.timeout);
        let answered = request.header(USER_AGENT_HEADER, USER_AGENT).send();
        let response = answered.map_err(|error| self.sort(error, url, before))?;
        Ok(Exchange {
            status_line: format!("{:?} {}", response.version(), response.status()),
            headers: shown(response.headers()),
            body: Vec::new(),
        })
    }
}
