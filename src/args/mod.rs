//! The command line as it was typed, and the table of all settings, which flags, variables and the file share. Also "did you
//! mean": the known name that is most similar to a mistyped one.

pub mod command_help;
pub mod commands;
pub mod environment;
pub mod layer;
pub mod settings_table;

/// The name in `known` that is most similar to `typed`, if one is similar enough.
///
/// Compares with Jaro-Winkler, as clap does for flags, and ignores case and the difference of hyphen and underscore. That
/// method rates a typing error in a short name too badly (`dve` for `dev`), so one error is always similar enough.
pub fn suggest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const CLOSE_ENOUGH: f64 = 0.8;
    let normalized = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let typed = normalized(typed);
    known
        .into_iter()
        .map(|name| {
            let known = normalized(name);
            let similarity = strsim::jaro_winkler(&typed, &known);
            let is_one_error = typed.len() > 1 && strsim::osa_distance(&typed, &known) <= 1;
            let similarity = if is_one_error { similarity.max(CLOSE_ENOUGH) } else { similarity };
            (similarity, name)
        })
        .filter(|(similarity, _)| *similarity >= CLOSE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// A trailing "; did you mean `x`?", or nothing if no name is similar.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    suggest(typed, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name_and_nonsense_finds_none() {
        let known = ["region", "retries", "tenant", "base_url"];
        assert_eq!(suggest("regoin", known), Some("region"));
        assert_eq!(suggest("Tennant", known), Some("tenant"));
        assert_eq!(suggest("base-url", known), Some("base_url"));
        assert_eq!(suggest("zzz", known), None);
        for (typed, meant) in [("dve", "dev"), ("kab", "lab"), ("ue", "eu"), ("la", "lab")] {
            assert_eq!(suggest(typed, ["dev", "eu", "lab", "prod"]), Some(meant));
        }
        for typed in ["x", "us", "zap"] {
            assert_eq!(suggest(typed, ["dev", "lab", "prod"]), None, "{typed}");
        }
        assert_eq!(did_you_mean("regoin", known), "; did you mean `region`?");
        assert_eq!(did_you_mean("zzz", known), "");
    }
}
