//! `aeolus pki init`.

use aeolus_pki::state::{Former, Slot};
use aeolus_pki::{Constraints, Subtrees, certificates_pem};
use serde::Serialize;

use super::authorities::Shape;
use super::folder::Folder;
use super::{Context, authorities, key_text, new_key};
use crate::args::PkiInit;
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    certificate: String,
    subject: String,
    key: String,
    not_after: String,
}

/// Makes an authority.
pub(super) fn init(args: &PkiInit, context: &Context) -> Result<(), Failure> {
    let constraints = Constraints {
        permitted: subtrees(&args.permit)?,
        excluded: subtrees(&args.exclude)?,
    };
    name(&args.cn)?;
    let mut folder = Folder::make(&args.folder, context)?;
    for slot in [Slot::Root, Slot::Issuing] {
        folder.pair(slot).may_be_written(args.force)?;
    }
    let below = args.intermediate.then(|| new_key(args.key)).transpose()?;
    let keys = (new_key(args.key)?, below);
    let shape = Shape {
        life: args.days,
        intermediate_life: args.intermediate_days,
        constraints,
    };
    let (root, below) = authorities::made(&args.cn, keys, &shape, context)?;
    let mut written = vec![(Slot::Root, &root)];
    written.extend(below.as_ref().map(|below| (Slot::Issuing, below)));
    let passphrase = folder.passphrase.as_ref();
    let texts: Vec<_> = written
        .iter()
        .map(|(_, authority)| key_text(authority.key(), args.encrypt, (passphrase, context)))
        .collect::<Result<_, _>>()?;
    // From here on things are written; what belongs to an authority before goes first.
    if args.force {
        let mut old = vec![Slot::NextRoot, Slot::NextIssuing];
        if !args.intermediate {
            old.push(Slot::Issuing);
        }
        old.extend(folder.state.former.iter().map(Former::slot));
        if let Some(aside) = folder.set_aside(&old)? {
            let aside = aside.display();
            ui::note(&format!(
                "What belonged to the authority before is kept in {aside}."
            ));
        }
        folder.begin_anew()?;
    }
    let (mut made, mut table) = (
        Vec::new(),
        Table::new(&["CERTIFICATE", "SUBJECT", "KEY", "UNTIL"]),
    );
    for ((slot, authority), key) in written.iter().zip(&texts) {
        let certificate = authority.certificate();
        let pair = folder.pair(*slot);
        let text = certificates_pem([certificate]);
        if let Some(before) = pair.write(text.as_bytes(), key.expose().as_bytes())? {
            ui::note(&format!("The pair before is kept in {}.", before.display()));
        }
        let one = Made {
            certificate: pair.certificate.display().to_string(),
            subject: certificate.subject.clone(),
            key: certificate.key.kind().to_string(),
            not_after: moments::written(certificate.not_after),
        };
        table.row([&one.certificate, &one.subject, &one.key, &one.not_after]);
        made.push(one);
    }
    folder.state.constrain(shape.constraints);
    folder.state.crl_url.clone_from(&args.crl_url);
    folder.state.intermediate_life = args.intermediate_days;
    folder.remember()?;
    let bundle = folder.write_bundle(&[root.certificate()])?;
    ui::answer(context.output, &made, &table)?;
    ui::note(&format!("Clients have to trust {}.", bundle.display()));
    if args.intermediate {
        let key = folder.pair(Slot::Root).key;
        let key = key.display();
        ui::note(&format!(
            "{key} signs only another intermediate or root: keep it elsewhere if you can."
        ));
    }
    Ok(())
}

/// A root's name in certificates.
fn name(text: &str) -> Result<(), Failure> {
    let fits =
        !text.trim().is_empty() && text.chars().count() <= 50 && !text.contains(char::is_control);
    fits.then_some(()).ok_or_else(|| {
        Report::new(
            "PKI-011",
            "the authority's name has to have 1 to 50 characters, none of them a control character",
        )
        .usage()
    })
}

/// Names that an intermediate may or may not issue for, as they were typed.
fn subtrees(texts: &[String]) -> Result<Subtrees, Failure> {
    Subtrees::parse(texts).map_err(|error| {
        Report::new("PKI-012", error.to_string())
            .help(
                "give names such as example.com (which covers everything below it) and 10.0.0.0/8",
            )
            .usage()
    })
}
