//! A real Airflow of a virtual environment: API server, scheduler and DAG processor on SQLite.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::files;
use crate::report::{Failure, Report};

const DAGS: [(&str, &str); 2] = [
    (
        "hello.py",
        include_str!("../../../../../examples/dags/hello.py"),
    ),
    (
        "sales_report.py",
        include_str!("../../../../../examples/dags/sales_report.py"),
    ),
];
const PARTS: [&str; 3] = ["api-server", "scheduler", "dag-processor"];
/// How long the API server may take to answer: a minute is usual on a busy machine.
const READY: Duration = Duration::from_secs(240);
/// How long a part has to end in good order.
const END: Duration = Duration::from_secs(10);

/// A virtual environment with Airflow in it.
pub(super) struct Environment {
    bin: PathBuf,
}

impl Environment {
    /// Looks for Airflow and our auth manager before anything is started.
    pub(super) fn find(folder: &Path) -> Result<Self, Failure> {
        let bin = folder.join("bin");
        let absolute = bin.canonicalize().ok();
        let bin =
            absolute.filter(|bin| bin.join("airflow").exists() && bin.join("python").exists());
        let bin = bin.ok_or_else(|| missing(folder, "no Apache Airflow"))?;
        let has_manager = std::process::Command::new(bin.join("python"))
            .args(["-c", "import aeolus_airflow"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if has_manager {
            Ok(Self { bin })
        } else {
            Err(missing(folder, "no aeolus-airflow"))
        }
    }
}

fn missing(folder: &Path, what: &str) -> Failure {
    Report::new("DEMO-0001", format!("{} has {what}", folder.display()))
        .why("The demonstration runs a real Airflow, which is a Python program.")
        .help(
            "in a checkout of Aeolus, `make demo` sets everything up\n\
             else: python3 -m venv DIR, install apache-airflow and aeolus-airflow with its pip, and give --airflow DIR",
        )
        .usage()
}

/// Airflow's processes.
pub(super) struct Airflow {
    environment: Environment,
    home: PathBuf,
    port: u16,
    parts: Vec<Part>,
}

/// One process, leader of a group that is named by its id even after its end.
struct Part {
    name: &'static str,
    child: Child,
    group: Option<Pid>,
}

impl Airflow {
    /// One that is not running yet.
    pub(super) fn new(environment: Environment, home: PathBuf, port: u16) -> Self {
        Self {
            environment,
            home,
            port,
            parts: Vec::new(),
        }
    }

    /// Starts it and waits until it answers; a first start makes its database.
    pub(super) async fn start(
        &mut self,
        trust: [(&'static str, String); 4],
    ) -> Result<(), Failure> {
        files::folder(&self.home.join("dags"))?;
        self.home = self.home.canonicalize().unwrap_or(self.home.clone());
        for (name, dag) in DAGS {
            files::write_public(&self.home.join("dags").join(name), dag.as_bytes())?;
        }
        if !self.home.join("airflow.db").exists() {
            for step in [["db", "migrate"], ["dags", "reserialize"]] {
                let mut command = self.command(&step, &trust, "prepare")?;
                let status = command.status().await;
                if !status.is_ok_and(|status| status.success()) {
                    return Err(
                        self.failed(&format!("airflow {} failed", step.join(" ")), "prepare")
                    );
                }
            }
        }
        for part in PARTS {
            let started = self.command(&[part], &trust, part)?.spawn();
            let child = started
                .map_err(|error| self.failed(&format!("{part} can't be started: {error}"), part))?;
            let id = child.id().and_then(|id| i32::try_from(id).ok());
            self.parts.push(Part {
                name: part,
                group: id.and_then(Pid::from_raw),
                child,
            });
        }
        self.answers().await
    }

    /// A command of Airflow with its settings, its output in a log; it and all it starts form a
    /// process group, so that nothing can be left over.
    fn command(
        &self,
        arguments: &[&str],
        trust: &[(&'static str, String)],
        log: &str,
    ) -> Result<Command, Failure> {
        let path = self.log(log);
        let out = File::options().create(true).append(true).open(&path);
        let unwritable = |error: std::io::Error| files::unwritable(&path, &error);
        let out = out.map_err(unwritable)?;
        let bin = &self.environment.bin;
        let port = self.port;
        let mut search = std::ffi::OsString::from(bin);
        search.push(":/usr/local/bin:/usr/bin:/bin");
        let mut command = Command::new(bin.join("airflow"));
        command
            .args(arguments)
            .env("PATH", search)
            .env("AIRFLOW_HOME", &self.home)
            .env("AIRFLOW__CORE__DAGS_FOLDER", self.home.join("dags"))
            .env("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
            .env("AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION", "False")
            .env("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
            .env("AIRFLOW__CORE__PARALLELISM", "2")
            .env(
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
                format!("http://127.0.0.1:{port}/execution/"),
            )
            .env("AIRFLOW__API__HOST", "127.0.0.1")
            .env("AIRFLOW__API__PORT", port.to_string())
            .env("AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES", "1")
            .env("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
            .env("PYTHONUNBUFFERED", "1")
            .envs(trust.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(unwritable)?)
            .stderr(out)
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }

    async fn answers(&mut self) -> Result<(), Failure> {
        let pool: Client<_, Empty<Bytes>> =
            Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let url = format!("http://127.0.0.1:{}/api/v2/version", self.port);
        let url: Uri = url
            .parse()
            .map_err(|error| self.failed(&format!("{url}: {error}"), "api-server"))?;
        let deadline = Instant::now() + READY;
        loop {
            let asked = tokio::time::timeout(Duration::from_secs(5), pool.get(url.clone())).await;
            if matches!(asked, Ok(Ok(answer)) if answer.status() == StatusCode::OK) {
                return Ok(());
            }
            let ended = self.parts.iter_mut().find_map(|part| {
                let status = part.child.try_wait().ok()??;
                Some((part.name, status))
            });
            if let Some((name, status)) = ended {
                return Err(self.failed(&format!("{name} has ended ({status})"), name));
            }
            if Instant::now() > deadline {
                return Err(self.failed("the API server does not answer", "api-server"));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.home.join(format!("{name}.log"))
    }

    fn failed(&self, what: &str, log: &str) -> Failure {
        Report::new("DEMO-0002", format!("Airflow did not get ready: {what}"))
            .help(format!(
                "it says why in {}\nif another program has its port, give --airflow-port",
                self.log(log).display()
            ))
            .failed()
    }

    /// Ends every process.
    pub(super) async fn end(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            for group in self.parts.iter().filter_map(|part| part.group) {
                let _ = kill_process_group(group, signal);
            }
            for part in &mut self.parts {
                let _ = tokio::time::timeout(END, part.child.wait()).await;
            }
        }
    }
}
