//! What somebody may do somewhere, as control knows it.

use aeolus_api::explain::{Explanation, Way};
use aeolus_model::{AirflowRole, Subject};

use crate::args::{ExplainArgs, Target};
use crate::commands::Context;
use crate::commands::role::kind_name;
use crate::control_client::refused;
use crate::report::Failure;
use crate::ui::{self, Table};

/// Explains. Whatever they may do, having said it is success.
pub(in crate::commands) async fn access(
    args: &ExplainArgs,
    context: &Context,
) -> Result<(), Failure> {
    let target = Target {
        url: args.control.clone(),
        credentials: args.credentials.clone(),
    };
    let client = target.client(&context.environment).await?;
    let subject = args.subject.as_deref().unwrap_or_default();
    let resource = args.resource.as_deref().unwrap_or_default();
    let explained = client.explain(subject, resource, args.permission).await;
    let explained = explained.map_err(refused)?;
    ui::answer(context.output, &explained, &table(&explained))?;
    ui::note(&summary(&explained, args));
    Ok(())
}

/// One line for each grant that gives a permission.
fn table(explained: &Explanation) -> Table {
    let mut table = Table::new(&["PERMISSION", "ROLE", "WHOSE", "GRANTED ON", "TEAM"]);
    for held in &explained.permissions {
        let ways = explained.grants.iter();
        for way in ways.filter(|way| held.grants.contains(&way.grant_id)) {
            table.row(row(held.permission.name(), way));
        }
    }
    let gives = |way: &&Way| {
        let mut held = explained.permissions.iter();
        held.any(|held| held.grants.contains(&way.grant_id))
    };
    for way in explained.grants.iter().filter(|way| !gives(way)) {
        table.row(row("-", way));
    }
    table
}

fn row(permission: &str, way: &Way) -> [String; 5] {
    let team = way.through_team.as_ref();
    [
        permission.to_owned(),
        way.role.to_string(),
        kind_name(way.role_kind).to_owned(),
        way.place.clone(),
        team.map_or_else(|| "-".to_owned(), ToString::to_string),
    ]
}

fn summary(explained: &Explanation, args: &ExplainArgs) -> String {
    let kind = match explained.subject {
        Subject::User(_) => "",
        Subject::Team(_) => "team ",
        Subject::Token(_) => "token ",
    };
    let who = format!("{kind}{} on {}", explained.name, explained.place);
    let what = match (args.permission, explained.permissions.len()) {
        (Some(permission), 0) => format!("not {permission}"),
        (Some(permission), _) => permission.to_string(),
        (None, 0) => "nothing".to_owned(),
        (None, 1) => "1 permission".to_owned(),
        (None, count) => format!("{count} permissions"),
    };
    let airflow = explained.airflow_role.map(AirflowRole::name);
    let airflow = airflow.map_or_else(String::new, |role| format!("; in Airflow: {role}"));
    let disabled = if explained.disabled {
        "; the account is disabled, so it can use none of it"
    } else {
        ""
    };
    format!("{who}: {what}{airflow}{disabled}")
}
