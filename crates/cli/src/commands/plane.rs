//! `aeolus plane`.

mod network;

use aeolus_api::plane::{Plane, PlaneCreate, PlaneState};
use aeolus_model::{Clock as _, Slug};
use aeolus_snapshot::{Edition, Position, publish};
use serde::Serialize;

use super::Context;
use crate::args::{PlaneAdd, PlaneBuild, PlaneMove, PlaneShow};
use crate::control_client::{all, refused, shown};
use crate::fleet_file;
use crate::offline::{Keys, State, World, install};
use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

/// Adds a plane at control.
pub(super) async fn add(args: &PlaneAdd, context: &Context) -> Result<(), Failure> {
    let name = Slug::parse(&args.name)
        .map_err(|error| Report::new("CLI-0012", error.to_string()).usage())?;
    let client = args.target.client(&context.environment).await?;
    let plane = PlaneCreate {
        name,
        auth_host: args.auth_host.clone(),
    };
    let mut created = client.create_plane(&plane).await.map_err(refused)?;
    let again = format!("run it again: aeolus plane add {}", created.plane.name);
    let withheld = created.withheld.as_ref();
    let token = shown(
        created.join_token.take(),
        withheld,
        ("the plane is added", again),
    )?;
    if context.output == Output::Table {
        // Nothing but the token, so that it can be piped into `gate enroll`.
        ui::line(&token);
        ui::note(&format!(
            "This token lets one gate join {} within an hour:\n  aeolus gate enroll --data DIR < TOKEN_FILE",
            created.plane.name
        ));
        return Ok(());
    }
    created.join_token = Some(token);
    ui::answer(context.output, &created, &Table::default())
}

/// Shows one plane or all.
pub(super) async fn show(args: &PlaneShow, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    if let Some(name) = &args.plane {
        let plane = client.plane(name).await.map_err(refused)?;
        if args.network {
            return network::show(&client, &plane, args, context).await;
        }
        return ui::answer(context.output, &plane, &table(std::slice::from_ref(&plane)));
    }
    let planes = all(|cursor| {
        let client = client.clone();
        async move { client.planes(cursor.as_deref()).await }
    })
    .await?;
    ui::answer(context.output, &planes, &table(&planes))
}

/// Believes a plane's identity no more.
pub(super) async fn quarantine(args: &PlaneMove, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let changed = client.quarantine_plane(&args.plane).await;
    let changed = changed.map_err(refused)?;
    let plane = std::slice::from_ref(&changed.plane);
    ui::answer(context.output, &changed, &table(plane))?;
    ui::note(&format!(
        "Control tells {} nothing more and believes it nothing. Its gates go on with what they have until their \
         deployments' staleness ends that. To enrol it with another identity: aeolus plane add {}",
        changed.plane.name, changed.plane.name
    ));
    Ok(())
}

/// Believes it again.
pub(super) async fn release(args: &PlaneMove, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let changed = client.release_plane(&args.plane).await.map_err(refused)?;
    let plane = std::slice::from_ref(&changed.plane);
    ui::answer(context.output, &changed, &table(plane))
}

fn table(planes: &[Plane]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "STATE",
        "PUBLISHED",
        "APPLIED",
        "LAST SEEN",
        "ALARM",
        "REDIRECT URI",
        "ID",
    ]);
    for plane in planes {
        let state = match plane.state {
            PlaneState::Invited => "invited",
            PlaneState::Enrolled => "enrolled",
            PlaneState::Quarantined => "quarantined",
        };
        let seen = plane.last_seen_at.map(|at| at.to_string());
        table.row([
            plane.name.to_string(),
            state.to_owned(),
            plane.published_seq.to_string(),
            plane.applied_seq.to_string(),
            seen.unwrap_or_else(|| "never".to_owned()),
            plane.alarm.clone().unwrap_or_default(),
            plane.redirect_uri.clone().unwrap_or_default(),
            plane.id.to_string(),
        ]);
    }
    table
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    plane: String,
    id: String,
    seq: u64,
    deployments: usize,
    root_sha256: String,
}

/// Builds a gate's folder without control.
pub(super) fn build(args: &PlaneBuild, context: &Context) -> Result<(), Failure> {
    let fleet = fleet_file::load(&args.file)?;
    let unknown = || {
        let planes: Vec<_> = fleet.planes.iter().map(|p| p.name.as_str()).collect();
        Report::new("FLT-0002", format!("the fleet has no plane {}", args.plane))
            .help(format!("its planes are: {}", planes.join(", ")))
            .usage()
    };
    let plane = fleet
        .planes
        .iter()
        .find(|plane| plane.name.as_str() == args.plane)
        .ok_or_else(unknown)?;
    let name = plane.name.clone();
    let keys = Keys::open(&args.keys, &context.clock, &context.rng)?;
    let mut state = State::open(&args.keys, &context.rng)?;
    let seed = state.seed()?;
    let world = World::new(&fleet, seed);
    let id = world.plane(name.as_str());
    let sections = world.sections(&name, &keys, &state.tokens)?;
    let deployments = sections.deployments.deployments.len();
    let edition = Edition {
        plane: id,
        position: Position {
            epoch: 1,
            seq: state.seq.saturating_add(1),
        },
        issued_at: context.clock.now(),
        lag: None,
        min_generation: 1,
    };
    let published = publish(&edition, &sections, &keys.snapshot).map_err(|error| {
        Report::new(
            "FLT-0003",
            format!("the snapshot can't be written: {error}"),
        )
        .failed()
    })?;
    // Before the gate has it: a position that was used is never used for anything else.
    state.seq = edition.position.seq;
    state.fleet = fleet;
    state.save()?;
    let signed = (&keys.root, &published);
    install(&args.out, &name, &edition, signed, &context.rng)?;
    let built = Built {
        plane: name.to_string(),
        id: id.to_string(),
        seq: state.seq,
        deployments,
        root_sha256: keys.root.hash().to_string(),
    };
    let mut table = Table::new(&["PLANE", "SEQ", "DEPLOYMENTS", "ID"]);
    table.row([
        built.plane.clone(),
        built.seq.to_string(),
        built.deployments.to_string(),
        built.id.clone(),
    ]);
    ui::answer(context.output, &built, &table)
}
