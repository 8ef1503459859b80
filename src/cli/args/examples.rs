//! What stands below the flags in the help of a command: what it does, and examples to copy.

/// Below the help of `doctor`.
pub(super) const DOCTOR: &str = "It looks at the configuration, the URL, the credential, the trusted certificates, DNS, TCP, the proxy,\n\
     TLS, HTTP and the clock, a line each. It sends a HEAD for / of the host, without the credential, and\n\
     nothing else. Its exit code is that of the first failure, the one that a send would end with.\n\n\
     Examples:\n  \
     vescli doctor --tenant example-corp\n  \
     vescli doctor --profile prod -v\n  \
     vescli doctor --profile prod --json | jq -r '.checks[] | select(.state == \"failure\") | .hint'";
