//! Makes clap's arguments from the rows of `settings_table`: a new flag is a row there, and changes nothing here.

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ValueHint};

use super::layer::parse_count;
use super::settings_table::{Group, Kind, Setting, specs};

pub(super) fn flags(groups: &'static [Group]) -> impl Iterator<Item = Arg> {
    specs().filter(move |spec| spec.is_flag() && groups.contains(&spec.group)).map(|spec| flag(spec.setting))
}

pub(super) fn flag(setting: Setting) -> Arg {
    let spec = setting.spec();
    let help = match spec.default {
        Some(default) => format!("{} [default: {default}]", spec.help),
        None => spec.help.to_owned(),
    };
    let arg = Arg::new(spec.flag).long(spec.flag).help(help).help_heading(spec.group.heading());
    let arg = match spec.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    let arg = match spec.alias {
        Some(alias) => arg.visible_alias(alias),
        None => arg,
    };
    match spec.kind {
        // Keeps all addresses, so that a second one is refused instead of replacing the first.
        Kind::Text(name) if setting == Setting::Email => {
            arg.value_name(name).value_hint(ValueHint::Other).action(ArgAction::Append)
        }
        Kind::Text(name) => arg.value_name(name).value_hint(ValueHint::Other),
        Kind::Duration => arg.value_name("TIME").value_hint(ValueHint::Other),
        Kind::File => arg.value_name("FILE").value_hint(ValueHint::FilePath),
        Kind::Choice(words) => {
            arg.value_name("WORD").value_parser(PossibleValuesParser::new(words.iter().copied().map(choice)))
        }
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Level => arg.action(ArgAction::Count),
        Kind::Count => arg.value_name("N").value_parser(parse_count),
        Kind::List(name) => arg.value_name(name).action(ArgAction::Append),
    }
}

/// An alias is accepted, but not offered.
fn choice(word: &'static str) -> PossibleValue {
    if word.contains('-') { PossibleValue::new(word).alias(word.replace('-', "_")) } else { PossibleValue::new(word) }
}
