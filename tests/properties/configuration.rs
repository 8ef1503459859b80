//! Configuration files as no editor should leave them.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use vescli::args::settings_table::{SettingSpec, specs};
use vescli::settings::config_file::ConfigFile;
use vescli::settings::error::SettingsError;

use crate::{config, in_time};

/// Pieces of TOML with the keys that mean something here, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let mut pieces: Vec<String> = [
        "[",
        "]",
        "[[",
        "]]",
        "=",
        " = ",
        ".",
        ",",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\n",
        "\r\n",
        "\r",
        "#",
        "{",
        "}",
        "\\",
        "\\u0000",
        "\\UFFFFFFFF",
        "1",
        "-1",
        "99999999999999999999",
        "0x",
        "1e5",
        "nan",
        "true",
        "false",
        "2020-01-01",
        "\"text\"",
        "[\"a\", \"b\"]",
        "[]",
        "[defaults]\n",
        "[profiles.a]\n",
        "[profiles.b]\n",
        "[profiles.\"\"]\n",
        "default_profile = \"a\"\n",
        "extends = \"a\"\n",
        "extends = \"b\"\n",
        "token = \"x\"\n",
        "\u{feff}",
        "é",
        "\u{0}",
        "\u{202e}",
        "tenant = \"a\"\n",
        "retries = 2\n",
        "token_command = [\"x\"]\n",
        "token_file = \"x\"\n",
    ]
    .map(String::from)
    .to_vec();
    pieces.extend(specs().map(SettingSpec::name));
    vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

/// Consistent files, so that checks behind the syntax are reached.
fn sound() -> impl Strategy<Value = String> {
    let name = "[a-d]";
    let line = prop_oneof![
        name.prop_map(|name| format!("extends = \"{name}\"")),
        "[a-z]{1,8}".prop_map(|tenant| format!("tenant = \"{tenant}\"")),
        any::<i64>().prop_map(|number| format!("retries = {number}")),
        any::<bool>().prop_map(|on| format!("no_auth = {on}")),
        "[^'\u{0}-\u{1f}\u{7f}]{0,20}".prop_map(|text| format!("cname = '{text}'")),
    ];
    let profile =
        (name, vec(line, 0..3)).prop_map(|(name, lines)| format!("[profiles.{name}]\n{}\n", lines.join("\n")));
    vec(profile, 0..5).prop_map(|profiles| profiles.concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_file_is_understood_or_refused_at_a_place_of_it(text in prop_oneof![pieces(), sound(), ".{0,300}"]) {
        match in_time(|| ConfigFile::parse(Path::new("/x/c.toml"), &text)) {
            Ok(file) => {
                let names = file.profiles.keys().map(String::as_str);
                for name in names.chain(file.default_profile.as_deref()) {
                    // Ends, for no circle was let in, and finds what it extends.
                    let layers = in_time(|| file.layers_of(Some(name)).map(|layers| layers.len()));
                    prop_assert!(layers.unwrap() <= file.profiles.len() + 1);
                }
                if let Some(implied) = file.implied_profile() {
                    prop_assert!(file.profiles.contains_key(implied));
                }
            }
            Err(SettingsError::Mistake { place, mistake }) => {
                prop_assert!((1..=text.split('\n').count()).contains(&place.line), "{place}: {mistake}");
                let line = text.split('\n').nth(place.line - 1).unwrap();
                // A byte order mark counts for no column.
                prop_assert!((1..=line.chars().count() + 1).contains(&place.column), "{place}: {mistake}");
            }
            Err(other) => prop_assert!(false, "a text alone cannot be {other:?}"),
        }
    }

    #[test]
    fn a_secret_in_a_file_is_not_quoted(before in sound(), after in sound(), key in "(token|api_token|p12_password)") {
        let text = format!("{before}[profiles.z]\n{key} = 'c4n4ry-T0ken'\n{after}");
        let error = ConfigFile::parse(Path::new("c"), &text).unwrap_err();
        prop_assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error:?}");
    }
}
