//! `aeolus pki revoke` and `crl`.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use aeolus_model::Clock as _;
use aeolus_pki::state::{Revocation, RevokeError};
use aeolus_pki::{Authority, Life, Serial};
use serde::Serialize;

use super::folder::Folder;
use super::{Context, intermediate, refused};
use crate::args::{PkiCrl, PkiRevoke};
use crate::files::{folder as make_folder, write_public};
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    list: String,
    revoked: usize,
    number: u64,
    next_update: String,
}

/// Revokes a certificate, and writes the list.
pub(super) fn revoke(args: &PkiRevoke, context: &Context) -> Result<(), Failure> {
    let mut folder = Folder::open(&args.folder, context)?;
    let path = Path::new(&args.certificate);
    let serial = if path.exists() {
        folder.certificate(path)?.serial
    } else {
        let typed = args.certificate.parse::<Serial>();
        typed.map_err(|_| not_revoked(&args.certificate, RevokeError::Unknown))?
    };
    let now = context.clock.now();
    let revoked = folder.state.revoke(&serial, args.reason, now);
    revoked.map_err(|error| not_revoked(&serial, error))?;
    list(&mut folder, args.crl_days, context)
}

fn not_revoked(serial: &dyn Display, error: RevokeError) -> Failure {
    let (what, help) = match error {
        RevokeError::Unknown => (
            format!("no live certificate of this authority has the serial number {serial}"),
            "give the certificate's file, or its serial number as aeolus pki inspect shows it",
        ),
        RevokeError::Already(Revocation { at, reason }) => {
            let at = moments::written(at);
            (
                format!("the certificate {serial} was revoked at {at} already, as {reason}"),
                "write the list again if it isn't on it: aeolus pki crl",
            )
        }
    };
    let report = Report::new("PKI-014", what).why("Nothing was changed.");
    report.help(help).usage()
}

/// Writes the list again.
pub(super) fn crl(args: &PkiCrl, context: &Context) -> Result<(), Failure> {
    let mut folder = Folder::open(&args.folder, context)?;
    list(&mut folder, args.crl_days, context)
}

/// Each issuer has a list of its own. All are in one file, and for who follows an address in a file each.
fn list(folder: &mut Folder, life: Life, context: &Context) -> Result<(), Failure> {
    let until = life.duration();
    intermediate::forget(folder, context.clock.now())?;
    let issuers = folder.issuers()?;
    folder.state.crl_number += 1;
    // A revocation is remembered first: should the list not be written, the next one has it.
    folder.remember()?;
    let (mut text, mut revoked) = (String::new(), 0);
    for issuer in &issuers {
        let list = signed(folder, issuer, (until, context))?;
        revoked += list.len();
        text.push_str(&list.pem());
        if folder.state.crl_url.is_some() {
            let path = folder.published(issuer.certificate());
            make_folder(path.parent().unwrap_or(&folder.dir))?;
            write_public(&path, list.der())?;
        }
    }
    let path = folder.dir.join("crl.pem");
    write_public(&path, text.as_bytes())?;
    let listed = Listed {
        list: path.display().to_string(),
        revoked,
        number: folder.state.crl_number,
        next_update: moments::written(context.clock.now().plus(until)),
    };
    let mut table = Table::new(&["LIST", "REVOKED", "NUMBER", "NEXT UPDATE"]);
    let (revoked, number) = (listed.revoked.to_string(), listed.number.to_string());
    table.row([&listed.list, &revoked, &number, &listed.next_update]);
    ui::answer(context.output, &listed, &table)
}

fn signed(
    folder: &Folder,
    issuer: &Authority,
    (until, context): (Duration, &Context),
) -> Result<aeolus_pki::RevocationList, Failure> {
    let now = context.clock.now();
    let revoked = folder.state.revoked(issuer.certificate());
    let list = issuer.revocation_list(&revoked, folder.state.crl_number, (now, now.plus(until)));
    list.map_err(|error| refused(&error))
}
