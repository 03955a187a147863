//! Organizations.

mod create;
mod delete;
mod get;
mod list;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;

fn shown(organization: aeolus_store::Organization) -> aeolus_api::tenancy::Organization {
    aeolus_api::tenancy::Organization {
        id: organization.id,
        name: organization.name,
    }
}
