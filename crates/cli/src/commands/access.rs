//! `aeolus access`.

use aeolus_api::access::Access;
use aeolus_model::{AirflowRole, Resource, Subject};

use super::Context;
use crate::args::AccessReview;
use crate::control_client::{all, organization};
use crate::report::Failure;
use crate::ui::{self, Table};

const HEADER: [&str; 8] = [
    "deployment",
    "kind",
    "who",
    "airflow_role",
    "role",
    "granted_on",
    "through_team",
    "disabled",
];

/// Lists who reaches what.
pub(super) async fn review(args: &AccessReview, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let ways = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move {
            let of = (args.deployment, args.subject.as_deref());
            client.access(&organization, of, cursor.as_deref()).await
        }
    });
    let ways = ways.await?;
    if args.csv {
        return ui::spreadsheet(&HEADER, ways.iter().map(row));
    }
    let mut table = Table::new(&[
        "DEPLOYMENT",
        "KIND",
        "WHO",
        "IN AIRFLOW",
        "ROLE",
        "GRANTED ON",
        "TEAM",
        "DISABLED",
    ]);
    for way in &ways {
        table.row(row(way));
    }
    ui::answer(context.output, &ways, &table)
}

fn row(way: &Access) -> [String; 8] {
    let kind = match way.subject {
        Subject::User(_) => "user",
        Subject::Token(_) => "token",
        Subject::Team(_) => "team",
    };
    let place = match way.granted_on {
        Resource::System => "installation",
        Resource::Organization(_) => "organization",
        Resource::Workspace(_) => "workspace",
        Resource::Deployment(_) => "deployment",
    };
    let team = way.through_team.as_ref();
    [
        way.deployment.clone(),
        kind.to_owned(),
        way.name.clone(),
        way.airflow_role.map_or("-", AirflowRole::name).to_owned(),
        way.role.to_string(),
        place.to_owned(),
        team.map_or_else(|| "-".to_owned(), ToString::to_string),
        if way.disabled { "yes" } else { "no" }.to_owned(),
    ]
}
