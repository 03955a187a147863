use std::os::unix::fs::symlink;
use std::path::Path;

use aeolus_control::ConfigureError;
use aeolus_store::StoreError;
use tempfile::TempDir;

use super::*;
use crate::config::Environment;

const OKTA: &str = r"
auth:
  openidConnect:
    okta:
      clientId: one
      clientSecret: {file: secret}
      discoveryUrl: https://acme.okta.com
";

/// A folder as Kubernetes mounts one: the files are links below a link that is swapped.
struct Mounted {
    dir: TempDir,
    swaps: usize,
}

impl Mounted {
    fn new(config: &str, secret: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut mounted = Self { dir, swaps: 0 };
        mounted.swap(config, secret);
        for name in ["values.yaml", "secret"] {
            let to = Path::new("..data").join(name);
            symlink(to, mounted.dir.path().join(name)).unwrap();
        }
        mounted
    }

    fn swap(&mut self, config: &str, secret: &str) {
        self.swaps += 1;
        let here = self.dir.path();
        let (data, next) = (format!("..{}", self.swaps), here.join("..next"));
        std::fs::create_dir(here.join(&data)).unwrap();
        std::fs::write(here.join(&data).join("values.yaml"), config).unwrap();
        std::fs::write(here.join(&data).join("secret"), secret).unwrap();
        symlink(&data, &next).unwrap();
        std::fs::rename(&next, here.join("..data")).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("values.yaml")
    }
}

/// What control is sent while `test` runs.
async fn watched<F: Future<Output = ()>>(
    file: &Path,
    test: impl FnOnce(mpsc::Receiver<Reload>) -> F,
) {
    let environment = Environment::of(&[]);
    let sources = Sources {
        file: Some(file),
        environment: &environment,
        flags: Vec::new(),
    };
    let effective = sources.load().unwrap();
    let sign_in = super::super::sign_in(&effective, &environment).unwrap();
    let (reloads, reloaded) = mpsc::channel(1);
    let scim = effective.config.control.scim.read().unwrap();
    let mut watch = Watch::new(&sources, (&effective, &sign_in, scim), reloads);
    tokio::select! {
        () = watch.run() => {}
        () = test(reloaded) => {}
    }
}

/// The next news within the five seconds that are promised.
async fn next(reloaded: &mut mpsc::Receiver<Reload>) -> Option<Reload> {
    let within = Duration::from_secs(5);
    tokio::time::timeout(within, reloaded.recv()).await.ok()?
}

async fn sign_in(reloaded: &mut mpsc::Receiver<Reload>, ok: bool) -> SignInConfig {
    let Some(Reload::SignIn(found, answer)) = next(reloaded).await else {
        panic!("nothing else was found");
    };
    let failed = || ConfigureError::Store(StoreError::Conflict);
    let answered = if ok { Ok(()) } else { Err(failed()) };
    answer.send(answered).unwrap();
    found
}

#[tokio::test(start_paused = true)]
async fn what_is_swapped_in_is_found_within_five_seconds_and_once() {
    let mut mounted = Mounted::new(OKTA, "s1");
    watched(&mounted.file(), async |mut reloaded| {
        assert!(next(&mut reloaded).await.is_none());
        mounted.swap(&OKTA.replace("one", "two"), "s1");
        let found = sign_in(&mut reloaded, true).await;
        assert_eq!(found.connections[0].client_id(), "two");
        assert!(next(&mut reloaded).await.is_none());
        // A secret's file alone.
        mounted.swap(&OKTA.replace("one", "two"), "s2");
        let found = sign_in(&mut reloaded, true).await;
        let secret = found.connections[0].client_secret().unwrap();
        assert_eq!(secret.expose(), "s2");
        // And back to what control was started with.
        mounted.swap(OKTA, "s1");
        let found = sign_in(&mut reloaded, true).await;
        assert_eq!(found.connections[0].client_id(), "one");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_used_is_said_and_changes_nothing_until_it_is_mended() {
    let mut mounted = Mounted::new(OKTA, "s1");
    watched(&mounted.file(), async |mut reloaded| {
        for broken in [
            "",
            "auth: [",
            "auth: {openidConnect: {okta: {clientID: x}}}",
            &OKTA.replace("https://", "http://"),
            &OKTA.replace("file: secret", "file: none"),
        ] {
            mounted.swap(broken, "s1");
            let found = next(&mut reloaded).await;
            assert!(matches!(found, Some(Reload::Refused)), "{broken}");
            assert!(next(&mut reloaded).await.is_none(), "{broken}");
        }
        mounted.swap(OKTA, "s1");
        assert!(matches!(next(&mut reloaded).await, Some(Reload::Sound)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_control_could_not_store_is_brought_again() {
    let mut mounted = Mounted::new(OKTA, "s1");
    watched(&mounted.file(), async |mut reloaded| {
        mounted.swap("auth: {local: {enabled: false}}", "s1");
        assert!(!sign_in(&mut reloaded, false).await.local);
        assert!(!sign_in(&mut reloaded, true).await.local);
        assert!(next(&mut reloaded).await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_only_a_start_reads_is_told_apart() {
    let mut mounted = Mounted::new(OKTA, "s1");
    let environment = Environment::of(&[]);
    let file = mounted.file();
    let sources = Sources {
        file: Some(&file),
        environment: &environment,
        flags: Vec::new(),
    };
    let effective = sources.load().unwrap();
    let told = super::super::sign_in(&effective, &environment).unwrap();
    let (reloads, _reloaded) = mpsc::channel(1);
    let scim = effective.config.control.scim.read().unwrap();
    let watch = Watch::new(&sources, (&effective, &told, scim), reloads);
    let more = "control: {deviceFlow: \"off\", scim: {requestsPerMinute: 100}}\ngate: {rails: {}}";
    mounted.swap(&format!("{OKTA}\n{more}"), "s1");
    let (Looked::Sound(digest, values), _) = watch.look().await else {
        panic!("it is sound");
    };
    assert_eq!(digest, watch.in_force);
    assert_eq!(watch.waits(&values), ["control.deviceFlow"]);
}

#[tokio::test(start_paused = true)]
async fn scim_from_where_and_how_often_is_provisioned_follows_without_a_start() {
    let mut mounted = Mounted::new(OKTA, "s1");
    watched(&mounted.file(), async |mut reloaded| {
        let scim = "control: {scim: {allowedNetworks: [10.0.0.0/8], requestsPerMinute: 100}}";
        mounted.swap(&format!("{OKTA}\n{scim}"), "s1");
        assert!(matches!(next(&mut reloaded).await, Some(Reload::Sound)));
        let Some(Reload::Scim(found)) = next(&mut reloaded).await else {
            panic!("it was not found");
        };
        assert_eq!(found.allowed_networks, ["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(found.requests_per_minute, 100);
        assert!(next(&mut reloaded).await.is_none());
        // What is wrong in it changes nothing.
        let scim = "control: {scim: {requestsPerMinute: 1}}";
        mounted.swap(&format!("{OKTA}\n{scim}"), "s1");
        assert!(matches!(next(&mut reloaded).await, Some(Reload::Refused)));
        mounted.swap(OKTA, "s1");
        assert!(matches!(next(&mut reloaded).await, Some(Reload::Sound)));
        assert!(matches!(next(&mut reloaded).await, Some(Reload::Scim(_))));
    })
    .await;
}
