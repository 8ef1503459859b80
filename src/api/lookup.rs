//! Looks names up as the system does, and remembers the one that was not found: SOCKS errors hide their cause, and
//! with a proxy it matters whose name it was.

use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::witness::Witness;

/// The system's resolver with a witness.
#[derive(Debug)]
pub(super) struct Lookup(pub(super) Arc<Witness>);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let witness = Arc::clone(&self.0);
        Box::pin(async move {
            match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(found) => {
                    let found: Vec<_> = found.collect();
                    Ok(Box::new(found.into_iter()) as Addrs)
                }
                Err(error) => {
                    witness.not_found(name.as_str(), &error);
                    Err(error.into())
                }
            }
        })
    }
}
