//! `GET /v1/authorization/permission-groups`: what roles can be made of (row P5).

use aeolus_api::Page;
use aeolus_api::role::{PermissionGroup, PermissionItem};
use aeolus_model::{CustomScope, Permission};
use axum::Json;

use crate::ctx::Ctx;

const SCOPES: [CustomScope; 3] = [
    CustomScope::Organization,
    CustomScope::Workspace,
    CustomScope::Deployment,
];

/// Lists every permission, by what it is about. The same for everybody who is signed in.
pub(crate) async fn catalogue(_: Ctx) -> Json<Page<PermissionGroup>> {
    let mut groups: Vec<PermissionGroup> = Vec::new();
    for permission in Permission::ALL {
        let name = permission.name();
        let group = name.rsplit_once('.').map_or(name, |(group, _)| group);
        let scopes = SCOPES.into_iter().filter(|s| s.admits(*permission));
        let item = PermissionItem {
            name: *permission,
            custom_scopes: scopes.collect(),
        };
        match groups.iter_mut().find(|known| known.name == group) {
            Some(known) => known.permissions.push(item),
            None => groups.push(PermissionGroup {
                name: group.to_owned(),
                scope: permission.scope(),
                permissions: vec![item],
            }),
        }
    }
    Json(Page {
        items: groups,
        next_cursor: None,
    })
}
