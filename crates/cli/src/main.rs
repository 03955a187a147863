//! `aeolus`: servers, operator's tools and client in one program.

mod args;
mod bearer;
mod commands;
mod config;
mod contexts;
mod control_client;
mod credentials;
mod files;
mod fleet_file;
mod moments;
mod offline;
mod reference;
mod report;
mod sign_in;
mod ui;
mod yaml;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            ui::failure(&failure);
            ExitCode::from(failure.exit.code())
        }
    }
}
