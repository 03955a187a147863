//! Arguments of `context`.

use clap::Subcommand;

/// The control planes that you are signed in at.
#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// List them; commands use the one with a star.
    List,
    /// Use another one from now on.
    Switch {
        /// Its name, as `list` shows it, or control's URL.
        name: String,
    },
}
