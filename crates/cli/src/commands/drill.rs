//! `aeolus drill`: rehearsals at a live gate.

use std::sync::Arc;
use std::time::Duration;

use aeolus_gate::drill::{DrillError, Order, Orders, Report as Found};
use aeolus_gate::replica::SecretFile;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_keys::digest::random_token;
use tokio::time::{Instant, sleep};

use super::Context;
use super::gate::secret::owned;
use super::gate::unusable;
use crate::args::DrillOutage;
use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

/// A gate looks for orders every second.
const BEGINS: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(500);

/// Gives the order, waits for the report and shows it.
pub(crate) async fn outage(args: &DrillOutage, context: &Context) -> Result<(), Failure> {
    let file = SecretFile::of(&args.data, Arc::new(SystemFs)).map_err(|error| unusable(&error))?;
    owned(&file.path(), "drill outage")?;
    let orders = Orders::of(&args.data, Arc::new(SystemFs));
    let order = Order {
        id: random_token(&context.rng, 16).expose().clone(),
        outage: args.outage,
        lasts: args.within.unwrap_or(args.outage),
    };
    orders.give(&order).map_err(|error| failed(&error))?;
    let given = Instant::now();
    while orders.is_waiting() {
        if given.elapsed() > BEGINS {
            orders.take_back();
            let what = format!("no gate runs over {}", args.data.display());
            return Err(Report::new("DRILL-0001", what)
                .why("A gate takes an order within a second; this one was left for 15 s and is taken back.")
                .help("name the --data folder of a gate that serves, as its user")
                .failed());
        }
        sleep(LOOK).await;
    }
    if context.output == Output::Table {
        let (outage, lasts) = (order.outage, order.lasts);
        ui::note(&format!(
            "Rehearsing an outage of {outage} within {lasts}. Every answer stays the real one."
        ));
    }
    let until = Instant::now() + order.lasts.duration() + BEGINS;
    loop {
        let found = orders.report().map_err(|error| failed(&error))?;
        if let Some(found) = found.filter(|found| found.id == order.id) {
            return show(&found, context);
        }
        if Instant::now() > until {
            return Err(Report::new("DRILL-0002", "the rehearsal has no report")
                .why("Its order makes no sense to the gate, or the gate was stopped or given another order meanwhile; its log says which.")
                .help("rehearse again")
                .failed());
        }
        sleep(LOOK).await;
    }
}

fn failed(error: &DrillError) -> Failure {
    Report::new("DRILL-0003", error.to_string())
        .help("run it as the gate's user")
        .failed()
}

fn show(found: &Found, context: &Context) -> Result<(), Failure> {
    if context.output != Output::Table {
        return ui::answer(context.output, found, &Table::new(&[]));
    }
    let seconds = found.ended - found.began;
    ui::print(&format!(
        "In {seconds} s of traffic {} requests passed; after {} without control {} of them would not have.\n",
        found.allowed, found.outage, found.would_refuse,
    ));
    let mut losses = Table::new(&["DEPLOYMENT", "REASON", "REQUESTS", "PEOPLE AND TOKENS"]);
    for loss in &found.losses {
        let (requests, subjects) = (loss.requests.to_string(), loss.subjects.to_string());
        losses.row([&loss.name, &loss.reason, &requests, &subjects]);
    }
    let mut bounds = Table::new(&["DEPLOYMENT PAST ITS BOUND", "THEN", "SERVES"]);
    for bound in &found.past_bounds {
        let policy = serde_json::to_value(bound.policy).unwrap_or_default();
        let serves = if bound.serves { "yes" } else { "no" };
        bounds.row([&bound.name, policy.as_str().unwrap_or_default(), serves]);
    }
    let mut people = Table::new(&["COULD NOT HAVE SIGNED IN", "ID"]);
    for missed in &found.could_not_sign_in {
        people.row([&missed.email, &missed.user.to_string()]);
    }
    let tables = [
        (losses, found.losses.is_empty()),
        (bounds, found.past_bounds.is_empty()),
        (people, found.could_not_sign_in.is_empty()),
    ];
    for (table, empty) in tables {
        if !empty {
            ui::print("\n");
            ui::answer(context.output, &(), &table)?;
        }
    }
    Ok(())
}
