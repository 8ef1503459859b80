//! One operation of the API as a value: path, body and phrases. The code that sends, classifies and reports is the same
//! for all operations and takes this value. Another operation is another value, in a file of its own in this folder.

use crate::args::settings_table::Setting;

/// An operation. Each is a POST with a JSON object of texts, answered as the API answers all of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The path below a base URL, and the end of the published one.
    pub path: &'static str,
    /// The published path before that. Whole segments in braces are variables of the target.
    pub published_prefix: &'static str,
    /// The fields of the body, in the order of the published page.
    pub fields: &'static [Field],
    /// The index of the field that names the person.
    pub subject: usize,
    /// What the service accepts: `accepted: … for hello@example.com`.
    pub noun: &'static str,
    /// What a rejection proves, such as that no mail was sent.
    pub rejected: &'static str,
    /// What may have happened when the outcome is unknown.
    pub unknown: &'static str,
    /// What to do before sending again when the outcome is unknown.
    pub check_first: &'static str,
}

/// A field of the body.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the body and in JSON results.
    pub name: &'static str,
    /// Its name in messages.
    pub noun: &'static str,
    /// Where its value comes from.
    pub setting: Setting,
    /// Where it comes from when that is not given.
    pub fallback: Option<Setting>,
    pub rule: Rule,
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Email,
    Text,
}

impl Operation {
    /// The fields as results show them, each with its index: the subject first.
    pub fn shown_fields(&self) -> impl Iterator<Item = (usize, &'static Field)> {
        let fields: &'static [Field] = self.fields;
        let subject = self.subject;
        let others = (0..fields.len()).filter(move |index| *index != subject);
        std::iter::once(subject).chain(others).filter_map(|index| Some((index, fields.get(index)?)))
    }
}
