//! Where the journal of a list is.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::files::folder;
use super::*;
use crate::args::environment::Environment;

#[test]
fn the_same_list_finds_its_journal_by_any_way_and_after_an_edit() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(at("lists")).unwrap();
    symlink(at("lists"), at("short")).unwrap();
    let environment: Environment = [("XDG_STATE_HOME", "/var/state")].into_iter().collect();
    let path = |url: &str, cname: &str, name: &str| {
        let folder = journal_folder(&environment, false).unwrap();
        default_path(&folder, url, cname, &ListName::of(Path::new(name)))
    };
    let list = path("https://a", "acme", &at("lists/New users.csv"));
    assert!(list.to_str().unwrap().starts_with("/var/state/vescli/New-users.csv-"));
    assert_eq!(path("https://a", "acme", &at("short/New users.csv")), list);
    assert_eq!(path("https://a", "acme", &at("lists/../lists/New users.csv")), list);
    for other in [
        path("https://b", "acme", &at("lists/New users.csv")),
        path("https://a", "other", &at("lists/New users.csv")),
        path("https://a", "acme", &at("New users.csv")),
        path("https://a", "acme", &at("lists/old.csv")),
    ] {
        assert_ne!(other, list);
    }
}

#[test]
fn the_name_of_a_journal_is_harmless_and_tells_its_list() {
    let environment: Environment = [("XDG_STATE_HOME", "/var/state")].into_iter().collect();
    let path = |name: &str| {
        let folder = journal_folder(&environment, false).unwrap();
        default_path(&folder, "u", "c", &ListName::of(Path::new(name)))
    };
    // Whatever is no file shares the journal of its folder, and none with a file.
    assert_eq!(path("-"), path("/dev/null"));
    assert_ne!(path("-"), path("./-"));
    for (name, shown) in
        [("-", "stdin-"), ("/-rf", "rf-"), ("/..", "list-"), ("/", "list-"), ("/a\u{1b}[b;é", "a--b---")]
    {
        let path = path(name);
        let file = path.strip_prefix("/var/state/vescli").unwrap().to_str().unwrap();
        assert!(file.starts_with(shown) && file.ends_with(".ndjson"), "{file}");
    }
    let relative: Environment = [("XDG_STATE_HOME", "state")].into_iter().collect();
    assert!(
        path::state_folder(&relative)
            .is_none_or(|folder| folder.ends_with(".local/state/vescli") && folder.is_absolute())
    );
}
