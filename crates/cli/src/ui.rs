//! The only place that writes to the terminal.
//!
//! Standard output is for answers, so that it can be piped; everything about the work itself goes
//! to standard error.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use serde::Serialize;

use crate::report::{Failure, Report};

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Aligned columns, for people.
    #[default]
    Table,
    /// JSON, for programs.
    Json,
    /// YAML.
    Yaml,
}

/// An answer as rows of cells.
#[derive(Debug, Default)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(header: &[&'static str]) -> Self {
        Self {
            header: header.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, without what a terminal would obey.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let cells = cells.into_iter().map(Into::into);
        self.rows.push(cells.map(|cell| plain(&cell)).collect());
    }

    fn render(&self) -> String {
        let mut widths: Vec<usize> = self.header.iter().map(|cell| cell.len()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        let header = self.header.iter().map(|cell| (*cell).to_owned()).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let gap = width.saturating_sub(cell.chars().count()) + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Prints an answer in the form asked for.
pub(crate) fn answer(output: Output, value: &impl Serialize, table: &Table) -> Result<(), Failure> {
    let text = match output {
        Output::Table => table.render(),
        Output::Json => {
            let json = serde_json::to_string(value).map_err(|error| unprintable(&error))?;
            json + "\n"
        }
        Output::Yaml => serde_saphyr::to_string(value).map_err(|error| unprintable(&error))?,
    };
    print(&text);
    Ok(())
}

/// Prints a document that a command reads again: YAML, unless JSON is asked for.
pub(crate) fn document(output: Output, value: &impl Serialize) -> Result<(), Failure> {
    let output = match output {
        Output::Table => Output::Yaml,
        other => other,
    };
    answer(output, value, &Table::default())
}

/// Prints rows as CSV, for a spreadsheet.
pub(crate) fn spreadsheet<const N: usize>(
    header: &[&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), Failure> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let mut result = out.write_record(header);
    for row in rows {
        result = result.and_then(|()| out.write_record(row.map(|text| cell(&text))));
    }
    let bytes = result.ok().and_then(|()| out.into_inner().ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text =
        text.ok_or_else(|| Report::new("CLI-0001", "the answer can't be printed").failed())?;
    print(&text);
    Ok(())
}

/// What a spreadsheet would run as a formula becomes text.
fn cell(text: &str) -> String {
    let number = text.parse::<i64>().is_ok();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !number {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn unprintable(error: &dyn std::error::Error) -> Failure {
    Report::new("CLI-0001", format!("the answer can't be printed: {error}"))
        .help("try another --output, and report this as a fault of the program")
        .failed()
}

/// Prints text to standard output. A reader that went away is not an error.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Prints one line to standard output.
pub(crate) fn line(text: &str) {
    print(&format!("{text}\n"));
}

/// Says something about the work on standard error.
pub(crate) fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(err, "{}", plain(line));
    }
}

/// Asks for something on standard error, on whose line the answer is typed.
pub(crate) fn ask(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{text}");
    let _ = err.flush();
}

/// Shows rows beside the answer, on standard error.
pub(crate) fn table_aside(table: &Table) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(table.render().as_bytes());
}

/// Whether there is somebody to ask.
pub(crate) fn is_at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether somebody at the terminal agrees; without a terminal nobody does.
pub(crate) fn confirm(question: &str) -> bool {
    if !is_at_terminal() {
        return false;
    }
    ask(&format!("{question} [y/N] "));
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
}

/// Prints a failure to standard error.
pub(crate) fn failure(failure: &Failure) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(failure.render().as_bytes());
}

/// Without what a terminal would obey (F59): strangers choose some of what is shown.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if aeolus_model::is_shown(c) {
                c
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f59_nothing_that_a_terminal_obeys_is_shown() {
        let shown = "a\u{fffd}[2J\u{fffd}\u{fffd}b";
        assert_eq!(plain("a\u{1b}[2J\r\nb"), shown);
        let mut table = Table::new(&["NAME"]);
        table.row(["a\u{1b}[2J\r\nb"]);
        assert_eq!(table.render(), format!("NAME\n{shown}\n"));
    }

    #[test]
    fn a18_a_name_is_no_formula() {
        for formula in [
            "=HYPERLINK(1)",
            "+1+1",
            "-1+1",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "\n=1",
        ] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(cell("ci"), "ci");
        assert_eq!(cell("-3"), "-3");
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["NAME", "ID"]);
        table.row(["a", "1"]);
        table.row(["longer", "2"]);
        assert_eq!(table.render(), "NAME    ID\na       1\nlonger  2\n");
    }
}
