//! What stands below the flags in the help of a command: what it does, and examples to copy.

/// Below the help of `doctor`.
pub(super) const DOCTOR: &str = "It looks at configuration, URL, credential, trusted certificates, DNS, TCP, proxy, TLS, HTTP\n\
     and clock, a line each. It sends a HEAD for / of the host, without the token, and no POST.\n\
     Its exit code is that of the first failure: the one that a send would end with.\n\n\
     Examples:\n  \
     vescli doctor --tenant example-corp\n  \
     vescli doctor --profile prod -v\n  \
     vescli doctor --profile prod --json | jq -r '.checks[] | select(.state == \"failure\") | .hint'";
