//! The variables that can be used although another one cannot: what has to work whatever else is broken is made of them.

use super::environment::Environment;
use super::layer::{Layer, Origin};
use super::setting::rows;
use super::value::parse_value;

impl Layer {
    /// The `VESCLI_` variables that fit their settings; the others are left out.
    pub fn of_sound_variables(environment: &Environment) -> Self {
        let mut layer = Self::default();
        for row in rows().filter(|row| row.is_flag()) {
            let name = row.variable();
            let text = environment.text(&name).ok().flatten();
            if let Some(value) = text.and_then(|text| parse_value(row.kind, text).ok()) {
                layer.set(row.key, value, Origin::Variable(name));
            }
        }
        layer
    }
}
