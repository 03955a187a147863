//! Repository checks and generated files: `cargo xtask check` and `cargo xtask generate`.
//!
//! A check returns one sentence per problem, so that one run shows everything that is wrong.

mod answers;
mod edges;
mod generated;
mod repo;
mod sizes;
mod words;

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use anyhow::Result;

use crate::repo::Repo;

const USAGE: &str = "usage: cargo xtask COMMAND

  check      crate edges, file sizes, forbidden words, drift of generated files
  generate   write the generated files
";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["check"] => check(&Repo::open()?),
        ["generate"] => generate(&Repo::open()?),
        ["help" | "--help" | "-h"] => {
            write!(stdout(), "{USAGE}")?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            write!(stderr(), "{USAGE}")?;
            Ok(ExitCode::from(2))
        }
    }
}

fn check(repo: &Repo) -> Result<ExitCode> {
    let results = [
        ("edges", edges::check(repo)?),
        ("sizes", sizes::check(repo)?),
        ("words", words::check(repo)?),
        ("generated files", generated::check(repo)?),
    ];
    let mut out = stdout().lock();
    let mut total = 0;
    for (name, problems) in results {
        let verdict = if problems.is_empty() { "ok" } else { "failed" };
        writeln!(out, "xtask: {name}: {verdict}")?;
        for problem in &problems {
            writeln!(out, "  {problem}")?;
        }
        total += problems.len();
    }
    if total == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "xtask: {total} problem(s)")?;
    Ok(ExitCode::FAILURE)
}

fn generate(repo: &Repo) -> Result<ExitCode> {
    let mut out = stdout().lock();
    for path in generated::write(repo)? {
        writeln!(out, "xtask: wrote {path}")?;
    }
    Ok(ExitCode::SUCCESS)
}
