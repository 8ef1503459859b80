//! A build without the feature `p12` says so, and names the remedy.
#![cfg(not(feature = "p12"))]

use support::harness::Vescli;

#[test]
fn a_pkcs12_file_is_refused_with_a_remedy() {
    Vescli::new()
        .file("ada.p12", "whatever it contains")
        .args(["send", "--email", "a@b.co", "--tenant", "t", "--p12", "ada.p12"])
        .code(78)
        .stderr("error: --p12: this build of vescli cannot read PKCS#12 files (feature `p12`): use --cert and --key with `openssl pkcs12 -in ada.p12 -nodes`, or another build\n")
        .run();
}
