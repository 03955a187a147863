//! Arguments of `doctor`.

use aeolus_doctor::Kind;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The proxy's configuration file, or the `http` or `https` URL at which clients reach it. May be
    /// repeated.
    ///
    /// A file is only read, with those of its includes that lie in its own folder. A URL is sent
    /// requests that carry no credential and change nothing.
    #[arg(long, value_name = "FILE|URL", required = true)]
    pub(crate) proxy: Vec<String>,
    /// Which proxy a file is for, where that can't be told from the file.
    #[arg(long, value_name = "PROXY", value_parser = kinds())]
    pub(crate) kind: Option<Kind>,
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    let names = Kind::ALL.map(Kind::name);
    PossibleValuesParser::new(names).try_map(|name| Kind::of(&name).ok_or("no such proxy"))
}
