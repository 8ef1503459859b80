//! The variables that can be used although another one cannot: what has to work whatever else is broken is made of them.

use super::environment::Environment;
use super::layer::{Layer, Origin};
use super::settings_table::specs;
use super::value::parse_value;

impl Layer {
    /// The `VESCLI_` variables that fit their settings; the others are left out.
    pub fn of_sound_variables(environment: &Environment) -> Self {
        let mut layer = Self::default();
        for spec in specs().filter(|spec| spec.is_flag()) {
            let name = spec.variable();
            let text = environment.text(&name).ok().flatten();
            if let Some(value) = text.and_then(|text| parse_value(spec.kind, text).ok()) {
                layer.set(spec.setting, value, Origin::Variable(name));
            }
        }
        layer
    }
}
