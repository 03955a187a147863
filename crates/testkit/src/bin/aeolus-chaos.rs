//! `aeolus-chaos ADDRESS`: the chaos proxy as a program, for tests that aren't in Rust. It says where it
//! listens, takes one command a line, answers each with one, and ends with its input.

use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use aeolus_testkit::chaos::{Chaos, Command, UnknownWord};

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "aeolus-chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let target = std::env::args().nth(1).unwrap_or_default();
    let target: SocketAddr = target
        .parse()
        .map_err(|_| io::Error::other("usage: aeolus-chaos ADDRESS:PORT"))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let proxy = runtime.block_on(Chaos::start(target))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", proxy.address())?;
    for line in io::stdin().lock().lines() {
        match line?.parse::<Command>() {
            Ok(command) => {
                let open = proxy.accepted();
                proxy.run(command);
                writeln!(out, "{open}")?;
            }
            Err(UnknownWord(word)) => writeln!(out, "unknown: {word}")?,
        }
    }
    // Whatever passes is reset, also what waits for ever.
    drop(proxy);
    runtime.shutdown_background();
    Ok(())
}
