//! What a run says of itself in its journal, as it is read back.

use super::author::Author;
use super::timestamp::Timestamp;
use crate::settings::bulk::Shard;

/// A run that wrote into the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    pub version: u32,
    pub id: String,
    pub url: String,
    /// The service of that URL, by which people are known in other journals.
    pub service: String,
    pub tenant: Option<String>,
    /// The cname of rows that bring none; not known of a journal of version 1.
    pub cname: Option<String>,
    /// The list; not known of a journal of version 1.
    pub list: Option<String>,
    pub input_sha256: String,
    pub rows: u64,
    /// The part of the list that it sent, if several runs shared it.
    pub shard: Option<Shard>,
    pub part: Part,
    pub vescli: String,
    /// Who ran it; older journals do not say.
    pub author: Author,
    pub at: Timestamp,
}

/// How the requests below a run's record stand to others about the same people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// The run wrote them itself: each supersedes what stands before it.
    #[default]
    Own,
    /// They were taken from another journal, and supersede nothing.
    Joined,
    /// The same, of requests that are superseded.
    Superseded,
}

impl Part {
    /// The field in the record; none for what a run writes itself.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Own => "",
            Self::Joined => r#","part":"joined""#,
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
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned())
}
