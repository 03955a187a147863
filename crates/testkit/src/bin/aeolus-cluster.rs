//! `aeolus-cluster KUBECONFIG`: the double of a Kubernetes API server as a program, for tests that aren't in Rust. It
//! writes how it is reached into the file, says its URL, takes one command a line, answers each with one, and ends with its input.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use aeolus_testkit::kube::KubeDouble;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "aeolus-cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let path = std::env::args().nth(1);
    let path = path.ok_or_else(|| io::Error::other("usage: aeolus-cluster KUBECONFIG"))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let double = runtime.block_on(KubeDouble::start())?;
    std::fs::write(path, double.kubeconfig(None))?;
    let mut out = io::stdout().lock();
    writeln!(out, "http://{}", double.address())?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = did(&double, &words).unwrap_or_else(|| format!("unknown: {line}"));
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

/// Does one command. None: there is none of that name.
fn did(double: &KubeDouble, words: &[&str]) -> Option<String> {
    let done = Some("ok".to_owned());
    match words {
        ["requests"] => {
            let state = double.state();
            let counts = state.requests.iter();
            let counts: BTreeMap<String, u64> = counts
                .map(|((verb, resource), count)| (format!("{verb} {resource}"), *count))
                .collect();
            return serde_json::to_string(&counts).ok();
        }
        ["forbid", verb, resource, namespace] => {
            let entry = [verb, resource, namespace].map(|word| (*word).to_owned());
            double.state().forbidden.insert(entry.into());
        }
        ["allow"] => double.state().forbidden.clear(),
        ["writes-left", count] => double.state().writes_left = count.parse().ok(),
        ["end-namespace", name] => {
            double.state().store.end_namespace(name);
            double.tell();
        }
        ["remove-namespace", name] => {
            double.state().store.remove_namespace(name);
            double.tell();
        }
        ["break-watches"] => double.break_watches(),
        ["forget"] => double.state().store.forget(),
        _ => return None,
    }
    done
}
