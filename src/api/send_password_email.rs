//! The operation that vescli is for: it mails a user the link to set a password.

use super::operation::{Field, Operation, Rule};
use crate::args::settings_table::Setting;

pub static SEND_PASSWORD_EMAIL: Operation = Operation {
    path: "/no_auth/send_password_email",
    published_prefix: "/api/v1/{prefix}/{environment}/{region}/namespaces/{namespace}",
    fields: &[CNAME, EMAIL],
    subject: 1,
    noun: "password email",
    rejected: "no mail was sent",
    unknown: "someone may have been mailed",
    check_first: "ask the person or check the console before sending again",
};

pub const CNAME: Field =
    Field { name: "cname", noun: "cname", setting: Setting::Cname, fallback: Some(Setting::Tenant), rule: Rule::Text };

const EMAIL: Field =
    Field { name: "email", noun: "address", setting: Setting::Email, fallback: None, rule: Rule::Email };

/// The values for [`SEND_PASSWORD_EMAIL`], in the order of its fields.
pub const fn recipient<'a>(email: &'a str, cname: &'a str) -> [&'a str; 2] {
    [cname, email]
}
