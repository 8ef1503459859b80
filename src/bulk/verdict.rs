//! What an answer to one row says of all the others: that they would meet the same, or that everybody has to slow down.

use crate::api::outcome::{Class, Outcome};

/// Whether everybody else would meet the same: the credential, the URL or the way there is wrong.
#[must_use]
pub const fn is_hopeless(class: Class) -> bool {
    match class {
        Class::Unauthorized
        | Class::Forbidden
        | Class::Redirected
        | Class::Certificate
        | Class::ClientCertificate
        | Class::Proxy => true,
        Class::Accepted
        | Class::Dns
        | Class::Connect
        | Class::BrokenReply
        | Class::NotTheApi
        | Class::Timeout
        | Class::Tls
        | Class::ClientError
        | Class::NotFound
        | Class::Conflict
        | Class::RateLimited
        | Class::ServerError
        | Class::BadGateway
        | Class::Unavailable
        | Class::ServerTimeout
        | Class::ServerErrorOther => false,
    }
}

/// Whether the server wants everybody to slow down.
#[must_use]
pub fn is_throttled(outcome: &Outcome) -> bool {
    matches!(outcome.class, Class::RateLimited | Class::Unavailable)
}
