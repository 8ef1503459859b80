//! The path of a list's journal.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::files::folder;
use super::path::split_name;
use super::*;
use crate::args::environment::Environment;

#[test]
fn a_list_has_the_same_journal_by_any_path_and_after_an_edit() {
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
fn the_name_of_a_journal_needs_no_quotes_and_contains_that_of_its_list() {
    let environment: Environment = [("XDG_STATE_HOME", "/var/state")].into_iter().collect();
    let path = |name: &str| {
        let folder = journal_folder(&environment, false).unwrap();
        default_path(&folder, "u", "c", &ListName::of(Path::new(name)))
    };
    // All streams of a folder share a journal, but not with a file.
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
        journal_folder(&relative, false)
            .ok()
            .is_none_or(|folder| folder.ends_with(".local/state/vescli") && folder.is_absolute())
    );
}

#[test]
fn the_shard_is_before_the_extension_and_can_be_read_back() {
    for (whole, name) in [
        ("/j/users.csv-0123456789abcdef.ndjson", "/j/users.csv-0123456789abcdef.shard-2-of-4.ndjson"),
        ("journal", "journal.shard-2-of-4"),
        (".journal", ".journal.shard-2-of-4"),
        ("a.shard-1-of-3.ndjson", "a.shard-2-of-4.ndjson"),
        ("a.shard-x.ndjson", "a.shard-x.shard-2-of-4.ndjson"),
    ] {
        let path = journal_of_shard(Path::new(whole), "2/4".parse().unwrap());
        assert_eq!(path, Path::new(name));
        assert_eq!(split_name(&path).1, Some("2/4".parse().unwrap()));
        assert!(are_siblings(&path, Path::new(whole)));
        let list = ListName::File("/lists/users.csv".into());
        assert_eq!(named_after(&path, &list), whole.starts_with("/j/users.csv-"));
    }
    for name in ["a.ndjson", "a.shard-0-of-4.ndjson", "a.shard-1-of-4.until-2026-01-02T030405Z.ndjson"] {
        assert_eq!(split_name(Path::new(name)), (name.to_owned(), None));
    }
    assert!(!are_siblings(Path::new("a.ndjson"), Path::new("b.shard-1-of-2.ndjson")));
    assert!(!are_siblings(Path::new("/x/a.ndjson"), Path::new("/y/a.shard-1-of-2.ndjson")));
}
