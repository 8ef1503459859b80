//! What the commands of `vescli config` print with `--json`.

use std::path::Path;

use serde::Serialize;

use crate::report::safe_text::json_line;

/// What a document says of the file, beside its name.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum About<'a> {
    Path { exists: bool },
    Written { written: bool },
    Text { text: &'a str },
    Checked { profiles: Vec<&'a str> },
    Profiles { profiles: Vec<&'a str>, chosen: Option<&'a str> },
}

impl About<'_> {
    /// The document of one command.
    pub(super) fn document(&self, schema: &str, path: &Path) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            schema: &'a str,
            ok: bool,
            path: &'a str,
            #[serde(flatten)]
            about: &'a About<'a>,
        }
        json_line(&Document { schema, ok: true, path: &path.to_string_lossy(), about: self })
    }
}
