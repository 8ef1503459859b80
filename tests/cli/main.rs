//! Every test that runs the program from the outside: one target, so that it links once.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot continue has found a failure, and a panic is how a test says so"
)]

mod fault_matrix;
mod foreign_text;
mod limits;
mod retries;
mod secrets;

mod accepted_on_proof;
mod alerts;
mod audit;
mod bulk;
mod client_certificates;
mod completion;
mod config_commands;
mod config_explained;
mod config_init;
mod connection_failures;
mod credential_binding;
mod credential_bounds;
mod credentials;
mod doctor;
mod doctor_codes;
mod doctor_proxies;
mod documents_alike;
mod file_kinds;
mod help;
mod host_names;
mod identity_and_proxy;
mod interrupted;
mod journal;
mod journal_merge;
mod journal_remove;
mod journal_repair;
mod journal_resolve;
mod machine;
mod newcomer;
mod noproxy;
mod output;
mod plain_http;
mod planted_faults;
mod precedence;
mod proxies;
mod proxy_choice;
mod rehearsal;
mod rehearsal_options;
mod resumption;
mod send_journal;
mod settings;
mod socks_proxies;
mod token_command;
mod trust;
mod unusable_identities;
mod usage;
mod without_p12;
