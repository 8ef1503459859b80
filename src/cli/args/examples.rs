//! What stands below the flags in the help of a command: what it does, and examples to copy.

/// Below the help of `doctor`.
pub(super) const DOCTOR: &str = "It looks at configuration, URL, credential, trusted certificates, DNS, TCP, proxy, TLS, HTTP\n\
     and clock, a line each. It sends a HEAD for / of the host, without the token, and no POST.\n\
     Its exit code is that of the first failure: the one that a send would end with.\n\n\
     Examples:\n  \
     vescli doctor --tenant example-corp\n  \
     vescli doctor --profile prod -v\n  \
     vescli doctor --profile prod --json | jq -r '.checks[] | select(.state == \"failure\") | .hint'";

/// Below the help of `bulk`.
pub(super) const BULK: &str = "The list is CSV with a column email and perhaps a column cname, NDJSON with the same two, or plain lines.\n\
     Each step is written to a journal, so that nobody is mailed twice: see `vescli help bulk`.\n\n\
     Examples:\n  \
     vescli bulk users.csv --profile prod --dry-run\n  \
     vescli bulk users.csv --profile prod --rate 30/m --yes\n  \
     jq -c '{email}' users.json | vescli bulk - --yes --json";
