//! More of something than a fleet document holds: `fill people|tokens DATABASE ORGANIZATION WORKSPACE COUNT`.
//!
//! It is written into control's database while that runs, as another replica of control would write it,
//! a thousand in a transaction.

mod people;
mod tokens;

use aeolus_model::{OrganizationId, Slug, WorkspaceId};
use aeolus_store::{Store, Unit as _};
use anyhow::{Context as _, bail};

const AT_ONCE: usize = 1_000;
const USAGE: &str = "usage: fill people|tokens DATABASE ORGANIZATION WORKSPACE COUNT";

/// What there is more of.
#[derive(Clone, Copy)]
enum What {
    People,
    Tokens,
}

/// Where.
#[derive(Clone, Copy)]
struct Place {
    organization: OrganizationId,
    workspace: WorkspaceId,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [what, database, organization, workspace, count] = arguments.as_slice() else {
        bail!(USAGE);
    };
    let what = match what.as_str() {
        "people" => What::People,
        "tokens" => What::Tokens,
        _ => bail!(USAGE),
    };
    let names = (Slug::parse(organization)?, Slug::parse(workspace)?);
    let count: u32 = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = Store::connect(&database.parse()?).await?;
        let place = place(&store, &names).await?;
        let numbers: Vec<u32> = (0..count).collect();
        for some in numbers.chunks(AT_ONCE) {
            let mut write = store.write().await?;
            for number in some {
                match what {
                    What::People => people::add(&mut write, *number, place).await?,
                    What::Tokens => tokens::add(&mut write, *number, place).await?,
                }
            }
            write.commit().await?;
        }
        store.close().await;
        Ok(())
    })
}

async fn place(store: &Store, names: &(Slug, Slug)) -> anyhow::Result<Place> {
    let mut view = store.read().await?;
    let organization = view.organizations().by_name(&names.0).await?;
    let organization = organization.context("there is no such organization")?.id;
    let workspace = view.workspaces().by_name(organization, &names.1).await?;
    let workspace = workspace.context("there is no such workspace")?.id;
    Ok(Place {
        organization,
        workspace,
    })
}
