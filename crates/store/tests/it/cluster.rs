//! A private PostgreSQL: Debian's server on a Unix socket in a temporary folder, started once per
//! test binary and stopped when that ends, however it ends.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

struct Cluster {
    folder: PathBuf,
    /// The watcher below; it stops the server when our end of its standard input closes.
    _watcher: Child,
}

static CLUSTER: OnceCell<Option<Cluster>> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Runs the server until standard input closes, which also happens when the tests are killed.
const WATCH: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=300 \
    >"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$2"
"#;

/// The address of a new, empty database, or none where PostgreSQL isn't installed.
pub(crate) async fn new_database() -> Option<String> {
    let cluster = CLUSTER.get_or_init(start).await.as_ref()?;
    let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(&cluster.url("postgres"))
        .await
        .unwrap();
    let create = format!("CREATE DATABASE {name}");
    admin.execute(AssertSqlSafe(create)).await.unwrap();
    admin.close().await.unwrap();
    Some(cluster.url(&name))
}

impl Cluster {
    fn url(&self, database: &str) -> String {
        format!(
            "postgres:///{database}?host={}&user=aeolus",
            self.folder.display()
        )
    }
}

async fn start() -> Option<Cluster> {
    let Some(programs) = programs() else {
        #[expect(clippy::disallowed_methods, reason = "the suite's own switch")]
        let ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(
            !ci,
            "PostgreSQL is not installed, and CI must not skip: apt install postgresql"
        );
        println!("skipped: PostgreSQL is not installed (apt install postgresql)");
        return None;
    };
    let folder = tempfile::Builder::new()
        .prefix("pg")
        .tempdir_in("/tmp")
        .unwrap()
        .keep();
    let owner = owner();
    if let Some((user, group)) = owner {
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
    }
    let run = |program: &mut Command| {
        if let Some((user, group)) = owner {
            program.uid(user).gid(group);
        }
        program
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .process_group(0);
    };
    let mut initdb = Command::new(programs.join("initdb"));
    run(&mut initdb);
    let made = initdb
        .args([
            "--auth=trust",
            "--username=aeolus",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ])
        .arg("--pgdata")
        .arg(folder.join("data"))
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let mut watcher = Command::new("/bin/sh");
    run(&mut watcher);
    let watcher = watcher
        .args(["-c", WATCH, "sh"])
        .args([&programs, &folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let cluster = Cluster {
        folder,
        _watcher: watcher,
    };
    let up = async {
        while PgConnection::connect(&cluster.url("postgres"))
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let log = cluster.folder.join("log");
    if tokio::time::timeout(Duration::from_secs(30), up)
        .await
        .is_err()
    {
        panic!(
            "postgres: {}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
    }
    Some(cluster)
}

/// The newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut versions: Vec<_> = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .collect();
    versions.sort_unstable();
    let newest = versions.last()?.to_string();
    let programs = Path::new("/usr/lib/postgresql").join(newest).join("bin");
    programs.join("initdb").exists().then_some(programs)
}

/// Whom to run as: the server refuses root.
fn owner() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let mut fields = accounts
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?
            .skip(1)
            .map(|id| id.parse().ok());
        Some((fields.next()??, fields.next()??))
    };
    ids("postgres").or_else(|| ids("nobody"))
}
