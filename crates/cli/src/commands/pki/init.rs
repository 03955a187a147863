//! `aeolus pki init`.

use aeolus_model::{Clock as _, Rng};
use aeolus_pki::state::State;
use aeolus_pki::{Authority, Constraints, Life, PrivateKey, Subtrees, certificates_pem};
use serde::Serialize;

use super::folder::Folder;
use super::{Context, key_text, new_key, refused};
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
    for name in ["ca", "intermediate"] {
        folder.pair(name).may_be_written(args.force)?;
    }
    let at = (context.clock.now(), &context.rng as &dyn Rng);
    let root = Authority::root(&args.cn, new_key(args.key)?, args.days, at);
    let root = root.map_err(|error| refused(&error))?;
    let mut written = vec![("ca", &root)];
    let below = if args.intermediate {
        let named = (&*format!("{} Issuing", args.cn), new_key(args.key)?);
        let made = root.intermediate(named, &constraints, args.intermediate_days, at);
        Some(made.map_err(|error| refused(&error))?)
    } else {
        None
    };
    written.extend(below.as_ref().map(|below| ("intermediate", below)));
    let passphrase = folder.passphrase.as_ref();
    let texts: Vec<_> = written
        .iter()
        .map(|(_, authority)| key_text(authority.key(), args.encrypt, (passphrase, context)))
        .collect::<Result<_, _>>()?;
    // From here on things are written; what belongs to an authority before goes first.
    if args.force {
        let mut old = vec!["next".to_owned(), "next-intermediate".to_owned()];
        if !args.intermediate {
            old.push("intermediate".to_owned());
        }
        old.extend(folder.state.former.iter().map(|one| one.name.clone()));
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
    for ((name, authority), key) in written.iter().zip(&texts) {
        let certificate = authority.certificate();
        let pair = folder.pair(name);
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
    folder.state.constrain(constraints);
    folder.state.crl_url.clone_from(&args.crl_url);
    folder.state.intermediate_life = args.intermediate_days;
    folder.remember()?;
    let bundle = folder.write_bundle(&[root.certificate()])?;
    ui::answer(context.output, &made, &table)?;
    ui::note(&format!("Clients have to trust {}.", bundle.display()));
    if args.intermediate {
        let key = folder.pair("ca").key;
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

/// `APC-CA`, `APC-CA G2`, `APC-CA G3`: two authorities of one name can't be told apart.
pub(super) fn successor_name(name: &str) -> String {
    let numbered = name.rsplit_once(" G");
    match numbered.and_then(|(base, number)| Some((base, number.parse::<u32>().ok()?))) {
        Some((base, number)) => format!("{base} G{}", number.saturating_add(1)),
        None => format!("{name} G2"),
    }
}

/// An authority of the same shape as another one, for `rotate-ca`.
pub(super) fn successor(
    name: &str,
    (root_key, below_key): (PrivateKey, Option<PrivateKey>),
    (state, context): (&State, &Context),
) -> Result<(Authority, Option<Authority>), Failure> {
    let at = (context.clock.now(), &context.rng as &dyn Rng);
    let root = Authority::root(name, root_key, Life::ROOT, at).map_err(|error| refused(&error))?;
    let Some(key) = below_key else {
        return Ok((root, None));
    };
    let named = (&*format!("{name} Issuing"), key);
    let constraints = state.constraints();
    let below = root.intermediate(named, &constraints, state.intermediate_life, at);
    let below = below.map_err(|error| refused(&error))?;
    Ok((root, Some(below)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_numbered() {
        for (name, next) in [
            ("APC-CA", "APC-CA G2"),
            ("APC-CA G2", "APC-CA G3"),
            ("A Gx", "A Gx G2"),
        ] {
            assert_eq!(successor_name(name), next);
        }
    }
}
