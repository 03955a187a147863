//! `aeolus demo`: the fleet of `aeolus dev` with a real Airflow behind its gate.

mod airflow;

use std::path::{Path, PathBuf};
use std::time::Duration;

use aeolus_keys::digest::random_token;
use aeolus_model::Role;
use tokio::time::Instant;

use self::airflow::{Airflow, Environment};
use super::dev::Running;
use super::{Context, gate, token};
use crate::args::{AirflowEnv, ConfigFile, DemoArgs, DevArgs, Target, TokenCreate};
use crate::config;
use crate::files;
use crate::report::Failure;
use crate::ui;

/// One Airflow, an operator and a viewer.
const FLEET: &str = include_str!("../../../../examples/demo/fleet.yaml");
/// The address of Airflow in that document.
const UPSTREAM: &str = "http://127.0.0.1:8880";
const DEPLOYMENT: &str = "acme/sales/etl";
/// How long a gate that is up may take to have its snapshot on disk.
const ON_DISK: Duration = Duration::from_secs(20);

/// Runs the demonstration until a signal ends it.
pub(super) async fn demo(args: &DemoArgs, context: &Context) -> Result<(), Failure> {
    let environment = Environment::find(&args.airflow)?;
    let place = Place::prepare(args, context)?;
    let began = Instant::now();
    let Some(mut fleet) = Running::start(&place.dev_args(args), context).await? else {
        return Ok(());
    };
    ui::line(&format!(
        "Aeolus is ready after {:.1} s; starting Airflow ...",
        began.elapsed().as_secs_f32()
    ));
    let mut airflow = Airflow::new(environment, place.folder.join("airflow"), args.airflow_port);
    let ended = show(args, &place, (&mut fleet, &mut airflow)).await;
    airflow.end().await;
    fleet.end().await;
    ui::line("Ended; nothing is left running. The next start is quick.");
    ended
}

/// Brings Airflow up, says how to use everything, and waits for the end.
async fn show(
    args: &DemoArgs,
    place: &Place,
    (fleet, airflow): (&mut Running, &mut Airflow),
) -> Result<(), Failure> {
    let target = Target {
        url: Some(fleet.ready.control.clone()),
        credentials: Some(fleet.folder.credentials()),
    };
    let trust = AirflowEnv {
        data: fleet.folder.gate(),
        deployment: DEPLOYMENT.to_owned(),
        gate_url: fleet.ready.gate.clone(),
    };
    let work = async {
        airflow.start(settled(&trust).await?).await?;
        place.api_token(&target).await
    };
    let Some(token_file) = fleet.until_signal(work).await.transpose()? else {
        return Ok(());
    };
    let shown = text(place, fleet, &token_file)?;
    ui::line(&shown);
    if args.once {
        return Ok(());
    }
    fleet.supervise().await
}

/// The settings of Airflow, as soon as the gate's snapshot is on disk.
async fn settled(trust: &AirflowEnv) -> Result<[(&'static str, String); 4], Failure> {
    let deadline = Instant::now() + ON_DISK;
    loop {
        match gate::airflow_settings(trust) {
            Err(_) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            settings => return settings,
        }
    }
}

fn text(place: &Place, fleet: &Running, token_file: &Path) -> Result<String, Failure> {
    let ready = &fleet.ready;
    Ok(format!(
        r#"
  Airflow, behind the gate:   {url}

      operator@example.com    {password}
      viewer@example.com      the same password

  Three things to try:

  1. Sign in as the operator and trigger `hello`; sign out, sign in as the viewer: no trigger.
  2. A program's way in, with an API token that can be deleted at any moment:

         . {token_file}
         curl -H "Authorization: Bearer $AEOLUS_TOKEN" {url}/api/v2/dags

  3. Kill the control plane and go on working, in the browser and with the token:

         kill -9 $(cat {control_pid})

  Control plane: {control}  (admin: {admin}, the same password)
  Logs: {airflow}         Ctrl-C ends the demo.
"#,
        url = ready.proxy.replace("127.0.0.1", "localhost"),
        password = place.password()?,
        token_file = token_file.display(),
        control_pid = fleet.folder.control_pid().display(),
        control = ready.control,
        admin = ready.admin.email,
        airflow = place.folder.join("airflow").display(),
    ))
}

/// The folder of the demonstration.
struct Place {
    folder: PathBuf,
}

impl Place {
    /// Makes what a first start needs; one password for everybody.
    fn prepare(args: &DemoArgs, context: &Context) -> Result<Self, Failure> {
        files::folder(&args.data)?;
        let place = Self {
            folder: args.data.clone(),
        };
        let password = place.folder.join("password");
        if files::read(&password)?.is_none() {
            let made = random_token(&context.rng, 12);
            files::write_private(&password, format!("{}\n", made.expose()).as_bytes())?;
        }
        let upstream = format!("http://127.0.0.1:{}", args.airflow_port);
        let fleet = FLEET.replace(UPSTREAM, &upstream);
        files::write_private(&place.folder.join("fleet.yaml"), fleet.as_bytes())?;
        Ok(place)
    }

    fn dev_args(&self, args: &DemoArgs) -> DevArgs {
        DevArgs {
            data: self.folder.join("aeolus"),
            file: ConfigFile::default(),
            fleet: Some(self.folder.join("fleet.yaml")),
            addresses: args.addresses.clone(),
            admin_email: "admin@example.com".to_owned(),
            admin_password_file: Some(self.folder.join("password")),
            plane: None,
            ready_json: false,
        }
    }

    fn password(&self) -> Result<String, Failure> {
        let bytes = files::read(&self.folder.join("password"))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A week's API token in a file that a shell can source.
    async fn api_token(&self, target: &Target) -> Result<PathBuf, Failure> {
        let path = self.folder.join("token.env");
        let wanted = TokenCreate {
            name: "demo".to_owned(),
            deployment: Some(DEPLOYMENT.to_owned()),
            role: Some(Role::DeploymentViewer.into()),
            days: Some(7),
            ..TokenCreate::default()
        };
        // In the shell that the token was sourced in, it must not stand for the administrator.
        let client = target.client(&config::Environment::default()).await?;
        let made = token::request(&client, &wanted).await?;
        let line = format!("export AEOLUS_TOKEN={}\n", made.token);
        files::write_private(&path, line.as_bytes())?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_fleet_has_what_the_demonstration_names() {
        assert!(FLEET.contains(UPSTREAM));
        for name in DEPLOYMENT.split('/') {
            assert!(FLEET.contains(&format!("name: {name}\n")), "{name}");
        }
    }
}
