//! "Did you mean": the known name that a mistyped one was probably meant to be.

/// The name among `known` that is closest to `typed`, if any is close enough to be worth a suggestion.
///
/// Compares with Jaro-Winkler, as clap does for flags, and ignores case and the difference of hyphen and underscore. In
/// a short name a single slip weighs too much there (`dve` for `dev`), so one slip is always close enough.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const CLOSE_ENOUGH: f64 = 0.8;
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let typed = plain(typed);
    known
        .into_iter()
        .map(|name| {
            let plain = plain(name);
            let likeness = strsim::jaro_winkler(&typed, &plain);
            let is_one_slip = typed.len() > 1 && strsim::osa_distance(&typed, &plain) <= 1;
            let likeness = if is_one_slip { likeness.max(CLOSE_ENOUGH) } else { likeness };
            (likeness, name)
        })
        .filter(|(likeness, _)| *likeness >= CLOSE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// A trailing "; did you mean `x`?", or nothing when no name is near.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let known = ["region", "retries", "tenant", "base_url"];
        assert_eq!(nearest("regoin", known), Some("region"));
        assert_eq!(nearest("Tennant", known), Some("tenant"));
        assert_eq!(nearest("base-url", known), Some("base_url"));
        assert_eq!(nearest("zzz", known), None);
        for (typed, meant) in [("dve", "dev"), ("kab", "lab"), ("ue", "eu"), ("la", "lab")] {
            assert_eq!(nearest(typed, ["dev", "eu", "lab", "prod"]), Some(meant));
        }
        for typed in ["x", "us", "zap"] {
            assert_eq!(nearest(typed, ["dev", "lab", "prod"]), None, "{typed}");
        }
        assert_eq!(did_you_mean("regoin", known), "; did you mean `region`?");
        assert_eq!(did_you_mean("zzz", known), "");
    }
}
