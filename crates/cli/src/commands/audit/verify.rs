//! `aeolus audit verify`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use aeolus_api::audit::AuditVerification;
use aeolus_keys::chain::{Export, Finding, MAX_LINE, Stated, Verified};
use aeolus_snapshot::{Checkpoint, Root, verify_checkpoint};
use serde::Serialize;

use super::Context;
use crate::args::AuditVerify;
use crate::control_client::refused;
use crate::files;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// What was found good.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Good {
    scope: String,
    /// The chain before the first line.
    begin: u64,
    /// The last line.
    end: u64,
    /// How many lines are from before there was a chain.
    outside: u64,
    /// The last line's hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// Whether a key of the root document signed the file's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<bool>,
}

/// Verifies a file, or asks control to verify what it has.
pub(in crate::commands) async fn verify(
    args: &AuditVerify,
    context: &Context,
) -> Result<(), Failure> {
    let roots = args.root.iter().map(|path| root_of(path));
    let roots = roots.collect::<Result<Vec<_>, Failure>>()?;
    let kept = args.checkpoint.as_deref();
    let kept = kept.map(|path| kept_of(path, &roots)).transpose()?;
    let good = match &args.file {
        Some(path) => offline(path, kept, &roots)?,
        None => online(args, context, kept).await?,
    };
    let mut table = Table::new(&["SCOPE", "LINES", "BEFORE THE CHAIN", "RESULT"]);
    let lines = format!("{} to {}", good.begin.saturating_add(1), good.end);
    let result = match good.signed {
        Some(true) => "good, signed by control",
        _ => "good",
    };
    table.row([
        good.scope.clone(),
        lines,
        good.outside.to_string(),
        result.to_owned(),
    ]);
    ui::answer(context.output, &good, &table)?;
    if args.file.is_some() && roots.is_empty() {
        ui::note("note: that control wrote this was not checked: give --root root.json");
    }
    Ok(())
}

fn offline(
    path: &Path,
    kept: Option<(String, Checkpoint)>,
    roots: &[Root],
) -> Result<Good, Failure> {
    let stated = kept.map(|(_, kept)| Stated {
        issuer: kept.issuer,
        scope: kept.scope,
        link: kept.link,
    });
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Report::new("CFG-0001", format!("{shown} can't be read: {error}"))
            .help("give a file of `aeolus audit export`")
            .usage()
    };
    let verified = if path == Path::new("-") {
        follow(std::io::stdin().lock(), stated)
    } else {
        follow(
            BufReader::new(File::open(path).map_err(unreadable)?),
            stated,
        )
    };
    let verified = verified.map_err(unreadable)?;
    let verified = verified.map_err(|finding| tampered(&format!("{shown}: {finding}")))?;
    let signed = (!roots.is_empty()).then(|| is_signed(roots, &verified));
    let signed = signed.transpose();
    let signed = signed.map_err(|why| tampered(&format!("{shown}: {why}")))?;
    Ok(Good {
        scope: verified.header.scope.to_string(),
        begin: verified.header.begin.line,
        end: verified.footer.end.line,
        outside: verified.outside,
        hash: Some(verified.footer.end.hash.to_string()),
        signed: signed.map(|()| true),
    })
}

/// Reads a file line by line.
fn follow(
    mut file: impl BufRead,
    stated: Option<Stated>,
) -> std::io::Result<Result<Verified, Finding>> {
    let mut export = stated.map_or_else(Export::default, Export::comparing);
    let mut line = Vec::new();
    // One byte more than allowed, so that a line that is too long is seen to be.
    let most = (MAX_LINE as u64).saturating_add(2);
    loop {
        line.clear();
        if file.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(export.end());
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if let Err(finding) = export.line(&line) {
            return Ok(Err(finding));
        }
    }
}

/// Whether control signed the file's end.
fn is_signed(roots: &[Root], verified: &Verified) -> Result<(), String> {
    let (header, footer) = (&verified.header, &verified.footer);
    let checkpoint = footer.checkpoint.as_deref();
    let checkpoint = checkpoint.ok_or("control did not sign the file's end")?;
    let said = signed_by_one(roots, checkpoint)
        .ok_or("the file's end is signed by a key that the root document does not name")?;
    let fits = (&said.issuer, said.scope, said.link) == (&header.issuer, header.scope, footer.end);
    if fits {
        Ok(())
    } else {
        Err("control signed another end than the file has".to_owned())
    }
}

/// What a checkpoint says, if a key of one of these root documents signed it.
fn signed_by_one(roots: &[Root], checkpoint: &str) -> Option<Checkpoint> {
    let mut roots = roots.iter();
    roots.find_map(|root| verify_checkpoint(root, checkpoint).ok())
}

async fn online(
    args: &AuditVerify,
    context: &Context,
    kept: Option<(String, Checkpoint)>,
) -> Result<Good, Failure> {
    let (client, mut query) = args.of.query(context).await?;
    let kept = kept.map(|(text, _)| ("checkpoint", text));
    query.parameters.extend(kept);
    let mut line = Vec::new();
    let mut last = None;
    let piece = |piece: &[u8]| {
        for byte in piece {
            if *byte == b'\n' {
                last = serde_json::from_slice::<AuditVerification>(&line).ok();
                line.clear();
            } else {
                line.push(*byte);
            }
        }
        line.len() <= MAX_LINE
    };
    client.audit_verify(&query, piece).await.map_err(refused)?;
    let unfinished = || {
        Report::new("AUDIT-0004", "control broke the verification off")
            .why("Nothing is known about the log.")
            .help("look into control's log, and verify again")
            .failed()
    };
    let said = last.filter(|said| said.ok.is_some());
    let said = said.ok_or_else(unfinished)?;
    if said.ok == Some(true) {
        return Ok(Good {
            scope: said.scope,
            begin: said.begin,
            end: said.verified,
            outside: said.outside,
            hash: None,
            signed: None,
        });
    }
    Err(tampered(
        said.fault.as_deref().unwrap_or("the chain does not hold"),
    ))
}

fn tampered(what: &str) -> Failure {
    Report::new("AUDIT-0001", what)
        .why("Up to that line the log is as it was written; what follows proves nothing.")
        .help(
            "compare with an earlier export, a sink's copy or a backup, and find out who could write to the database \
             or the file",
        )
        .failed()
}

fn root_of(path: &Path) -> Result<Root, Failure> {
    let shown = path.display();
    let text = files::read(path)?.unwrap_or_default();
    let text = String::from_utf8(text).unwrap_or_default();
    Root::parse(&text).map_err(|error| {
        Report::new(
            "AUDIT-0002",
            format!("{shown} is no root document: {error}"),
        )
        .help("give the fleet's root.json, as a gate's folder or keys.rootDir has it")
        .usage()
    })
}

/// A checkpoint that was kept: the JWS itself, or the JSON in which it came.
fn kept_of(path: &Path, roots: &[Root]) -> Result<(String, Checkpoint), Failure> {
    let shown = path.display();
    let text = files::read(path)?.unwrap_or_default();
    let text = String::from_utf8(text).unwrap_or_default();
    let told = serde_json::from_str::<aeolus_api::audit::AuditCheckpoint>(&text);
    let text = told.map_or_else(|_| text.trim().to_owned(), |told| told.checkpoint);
    let said = if roots.is_empty() {
        Checkpoint::unverified(&text).ok()
    } else {
        signed_by_one(roots, &text)
    };
    let said = said.ok_or_else(|| {
        Report::new("AUDIT-0002", format!("{shown} is no checkpoint"))
            .why("It can't be read, or no key of the root document signed it.")
            .help("give a file of `aeolus audit checkpoint`, and --root with the root document of its time")
            .usage()
    })?;
    Ok((text, said))
}

#[cfg(test)]
mod tests;
