//! One module per subcommand that is more than a call.

pub mod sandbox;
