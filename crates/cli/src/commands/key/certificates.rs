//! `aeolus key certificates`.

use aeolus_pki::{Certificate, certificates_pem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::args::KeyCertificates;
use crate::commands::Context;
use crate::control_client::refused;
use crate::report::{Failure, Report};
use crate::{files, ui};

/// Prints or writes the certificates of the legacy keys.
pub(in crate::commands) async fn certificates(
    args: &KeyCertificates,
    context: &Context,
) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let set = client.legacy_keys().await.map_err(refused)?;
    let text = bundle(&set).ok_or_else(|| {
        Report::new("KEY-0003", "control shows no certificate of its legacy key")
            .why("It signs nothing by one.")
            .help("set compat.registry or compat.authorization in its configuration")
            .failed()
    })?;
    match &args.out {
        None => ui::line(text.trim_end()),
        Some(path) => files::write_public(path, text.as_bytes())?,
    }
    Ok(())
}

/// The certificates of a key set as text; none if there are none, or one is damaged.
fn bundle(set: &Value) -> Option<String> {
    let keys = set["keys"].as_array()?;
    let encoded = keys
        .iter()
        .filter_map(|key| key.get("x5c")?.get(0)?.as_str());
    let certificates: Option<Vec<Certificate>> = encoded
        .map(|text| Certificate::from_der(&STANDARD.decode(text).ok()?).ok())
        .collect();
    let certificates = certificates.filter(|all| !all.is_empty())?;
    Some(certificates_pem(&certificates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_set_without_a_readable_certificate_is_no_bundle() {
        for set in [
            json!({}),
            json!({"keys": []}),
            json!({"keys": [{"kid": "a"}]}),
            json!({"keys": [{"x5c": ["!"]}]}),
            json!({"keys": [{"x5c": ["AAAA"]}]}),
        ] {
            assert_eq!(bundle(&set), None, "{set}");
        }
    }
}
