//! Roles that an organization makes for itself, and who is given which.

use aeolus_model::{Role, RoleName, Scope};

use super::Check;
use crate::fleet::{Grant, Grantee, Organization};

impl Check {
    pub(super) fn roles(&mut self, at: &str, organization: &Organization) {
        let roles = format!("{at}.roles");
        self.unique(&roles, organization.roles.iter().map(|role| &role.name));
        for (index, role) in organization.roles.iter().enumerate() {
            for (member, fault) in role.faults() {
                self.error(&format!("{roles}[{index}].{member}"), fault);
            }
        }
        for (index, user) in organization.users.iter().enumerate() {
            let path = format!("{at}.users[{index}].role");
            self.scope(&path, organization, (&user.role, Scope::Organization));
        }
    }

    /// Where roles are given that the document doesn't make, only control knows.
    fn scope(
        &mut self,
        path: &str,
        organization: &Organization,
        (role, scope): (&RoleName, Scope),
    ) {
        let given = match role {
            RoleName::BuiltIn(role) => Some(role.scope()),
            RoleName::Custom(name) => organization.role(name).map(|role| role.scope.scope()),
        };
        if given.is_none_or(|given| given == scope) {
            return;
        }
        let fitting = Role::ALL.iter().filter(|role| role.scope() == scope);
        let mut fitting: Vec<_> = fitting.map(|role| role.name()).collect();
        let own = organization.roles.iter();
        let own = own.filter(|role| role.scope.scope() == scope);
        fitting.extend(own.map(|role| role.name.as_str()));
        let fitting = fitting.join(", ");
        self.error(
            path,
            format!("{role} can't be given here: use one of {fitting}"),
        );
    }

    pub(super) fn grants(
        &mut self,
        at: &str,
        organization: &Organization,
        (grants, scope): (&[Grant], Scope),
    ) {
        for (index, grant) in grants.iter().enumerate() {
            let at = format!("{at}.grants[{index}]");
            self.scope(&format!("{at}.role"), organization, (&grant.role, scope));
            match grant.grantee() {
                None => self.error(
                    &at,
                    "a grant is for one user or one team: write exactly one",
                ),
                Some(Grantee::User(email)) => {
                    self.person(&format!("{at}.user"), organization, email);
                }
                Some(Grantee::Team(name)) => {
                    if !organization.teams.iter().any(|team| &team.name == name) {
                        let message = format!("{} has no team {name}", organization.name);
                        self.error(&format!("{at}.team"), message);
                    }
                }
            }
        }
    }
}
