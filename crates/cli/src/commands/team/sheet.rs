//! `aeolus team import` and `export`: teams as a spreadsheet has them.

use aeolus_api::Problem;
use aeolus_api::client::ClientError;
use aeolus_api::team::{MAX_ROWS, TeamRow, TeamsImport, TeamsImported};
use aeolus_api::tenancy::Change;

use super::super::Context;
use super::super::grant::Names;
use super::members;
use crate::args::{TeamImport, TeamList};
use crate::control_client::{all, organization, refused};
use crate::files;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

const COLUMNS: [&str; 4] = ["team", "email", "role", "place"];

/// Does what a file says, all of it or nothing.
pub(super) async fn import(args: &TeamImport, context: &Context) -> Result<(), Failure> {
    let name = args.file.display().to_string();
    let bytes = files::read(&args.file)?
        .ok_or_else(|| Report::new("CLI-0055", format!("there is no file {name}")).usage())?;
    let (lines, rows) = read(&name, &bytes)?.into_iter().unzip::<_, _, Vec<_>, _>();
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let wanted = TeamsImport { rows };
    let done = client.import_teams(&organization, (&wanted, args.dry_run));
    let done = done
        .await
        .map_err(|error| refused(at_lines(error, &lines)))?;
    ui::answer(context.output, &done, &table(&done))?;
    ui::note(match (done.changes.is_empty(), done.applied) {
        (true, _) => "everything is as the file says already",
        (false, true) => "done",
        (false, false) => "nothing was changed: this was a dry run",
    });
    Ok(())
}

/// The rows of a file, each with its line, or everything that is wrong with their form.
fn read(name: &str, bytes: &[u8]) -> Result<Vec<(u64, TeamRow)>, Failure> {
    // What spreadsheets put before UTF-8.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let header = reader.headers().map_err(|error| unreadable(name, &error))?;
    let columns: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
    let unknown = columns
        .iter()
        .find(|column| !COLUMNS.contains(&column.as_str()));
    let twice =
        (1..columns.len()).find(|n| columns.iter().take(*n).any(|c| Some(c) == columns.get(*n)));
    let what = match (unknown, twice.and_then(|n| columns.get(n))) {
        (Some(column), _) => Some(format!("there is no column {column:?}")),
        (None, Some(column)) => Some(format!("the column {column:?} is there twice")),
        (None, None) if !columns.iter().any(|column| column == "team") => {
            Some("the column \"team\" is missing".to_owned())
        }
        (None, None) => None,
    };
    if let Some(what) = what {
        return Err(Report::new("CLI-0056", format!("{name}, line 1: {what}"))
            .help("begin with a line such as: team,email,role,place")
            .usage());
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(name, &error))?;
        let line = record.position().map_or(0, |at| line_of(bytes, at));
        let field = |name: &str| {
            let at = columns.iter().position(|column| column == name)?;
            let text = typed(record.get(at)?);
            (!text.is_empty()).then(|| text.to_owned())
        };
        let row = TeamRow {
            team: field("team").unwrap_or_default(),
            email: field("email"),
            role: field("role"),
            place: field("place"),
        };
        if row != TeamRow::default() {
            rows.push((line, row));
        }
    }
    if rows.is_empty() || rows.len() > MAX_ROWS {
        let what = format!("{name} has {} lines below its first", rows.len());
        return Err(Report::new("CLI-0056", what)
            .help(format!(
                "give it 1 to {MAX_ROWS}, or make several files of it"
            ))
            .usage());
    }
    Ok(rows)
}

/// On which line a record is: the reader's place is before the empty lines that it skipped.
fn line_of(bytes: &[u8], at: &csv::Position) -> u64 {
    let from = usize::try_from(at.byte()).unwrap_or(usize::MAX);
    let skipped = bytes.get(from..).unwrap_or_default().iter();
    let skipped = skipped.take_while(|byte| matches!(byte, b'\r' | b'\n'));
    skipped.fold(at.line(), |line, byte| line + u64::from(*byte == b'\n'))
}

/// What was typed into a cell. An export marks what a spreadsheet would run as a formula with an apostrophe (A18).
fn typed(cell: &str) -> &str {
    let bare = cell.strip_prefix('\'');
    let formula = |text: &&str| text.starts_with(['=', '+', '-', '@']);
    bare.filter(formula).unwrap_or(cell)
}

fn unreadable(name: &str, error: &csv::Error) -> Failure {
    let what = match error.position() {
        Some(at) => format!("{name}, line {}: {}", at.line(), plain_cause(error)),
        None => format!("{name} can't be read: {}", plain_cause(error)),
    };
    Report::new("CLI-0056", what)
        .help("save it as CSV with commas, in UTF-8, with as many fields in each line")
        .usage()
}

fn plain_cause(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("it has {len} fields, and the first line {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "it is no UTF-8".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What control says of rows, of the lines that they were.
fn at_lines(error: ClientError, lines: &[u64]) -> ClientError {
    let ClientError::Refused(problem) = error else {
        return error;
    };
    let line_of = |text: &str| {
        let mut text = text.to_owned();
        let found = text.find("rows[").and_then(|at| {
            let (number, rest) = text.get(at + 5..)?.split_once(']')?;
            let line = lines.get(number.parse::<usize>().ok()?)?;
            let (before, rest) = (text.get(..at)?, rest.strip_prefix('.').unwrap_or(rest));
            let gap = if rest.is_empty() || rest.starts_with(')') {
                ""
            } else {
                ", "
            };
            Some(format!("{before}line {line}{gap}{rest}"))
        });
        if let Some(found) = found {
            text = found;
        }
        text
    };
    let Problem {
        detail, mut errors, ..
    } = *problem.clone();
    for error in &mut errors {
        error.at = line_of(&error.at);
    }
    ClientError::Refused(Box::new(Problem {
        detail: line_of(&detail),
        errors,
        ..*problem
    }))
}

fn table(done: &TeamsImported) -> Table {
    let mut table = Table::new(&["WHAT", "WHICH", "DETAIL"]);
    for Change {
        kind, path, detail, ..
    } in &done.changes
    {
        table.row([kind, path, detail]);
    }
    table
}

/// Prints the organization's own teams: a row for each member and for each role; one for a team without either.
pub(super) async fn export(args: &TeamList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let teams = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.teams(&organization, cursor.as_deref()).await }
    });
    let teams = teams.await?.into_iter().filter(|team| team.group.is_none());
    let names = Names::of_places(&client, &organization).await?;
    let mut rows = Vec::new();
    for team in teams {
        let name = team.name.to_string();
        let id = team.id.to_string();
        let shown = client.team(&organization, &id).await.map_err(refused)?;
        let members = members::of(&client, &organization, &id).await?;
        let none = String::new;
        if members.is_empty() && shown.roles.is_empty() {
            rows.push([name.clone(), none(), none(), none()]);
        }
        rows.extend(members.into_iter().map(|member| {
            let email = member.email.to_string();
            [name.clone(), email, none(), none()]
        }));
        rows.extend(shown.roles.into_iter().map(|grant| {
            let place = names.place(grant.resource);
            [name.clone(), none(), grant.role.to_string(), place]
        }));
    }
    ui::spreadsheet(&COLUMNS, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, TeamRow)> {
        read("f.csv", text.as_bytes()).unwrap()
    }

    fn wrong(text: &[u8]) -> String {
        read("f.csv", text).unwrap_err().render()
    }

    #[test]
    fn each_row_knows_its_line() {
        let found = rows("\u{feff}Team, email\ndata, ann@example.com\n\n,\n\"ops\",\n");
        let (data, ops) = (&found[0], &found[1]);
        assert_eq!((data.0, data.1.team.as_str()), (2, "data"));
        assert_eq!(data.1.email.as_deref(), Some("ann@example.com"));
        assert_eq!((ops.0, ops.1.team.as_str()), (5, "ops"));
        assert_eq!(ops.1.email, None);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a18_what_an_export_marked_is_read_as_it_was() {
        let found = rows("team,email\ndata,'+ann@example.com\ndata,o'neil@example.com\n");
        let emails: Vec<_> = found
            .iter()
            .filter_map(|(_, row)| row.email.as_deref())
            .collect();
        assert_eq!(emails, ["+ann@example.com", "o'neil@example.com"]);
    }

    #[test]
    fn what_is_no_such_file_is_refused_with_its_line() {
        assert!(wrong(b"team,mail\ndata,x\n").contains("no column \"mail\""));
        assert!(wrong(b"team,team\ndata,x\n").contains("twice"));
        assert!(wrong(b"email\nx\n").contains("\"team\" is missing"));
        assert!(wrong(b"team,email\ndata,a\nops\n").contains("line 3: it has 1 fields"));
        assert!(wrong(b"team\n\xff\n").contains("UTF-8"));
        assert!(wrong(b"team\n").contains("0 lines"));
    }

    #[test]
    fn what_control_says_of_rows_it_says_of_lines() {
        let problem = Problem {
            detail: "It needs everything, there (rows[1]); an owner can grant it.".to_owned(),
            errors: vec![aeolus_api::FieldError {
                at: "rows[0].email".to_owned(),
                message: "m".to_owned(),
            }],
            ..problem()
        };
        let said = at_lines(ClientError::Refused(Box::new(problem)), &[2, 7]);
        let ClientError::Refused(said) = said else {
            panic!("refused");
        };
        assert_eq!(said.errors[0].at, "line 2, email");
        assert!(
            said.detail.contains("(line 7); an owner"),
            "{}",
            said.detail
        );
    }

    fn problem() -> Problem {
        serde_json::from_value(
            serde_json::json!({"type": "about:blank", "title": "t", "status": 422,
            "detail": "", "code": "c", "requestId": ""}),
        )
        .unwrap()
    }
}
