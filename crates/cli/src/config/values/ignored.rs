//! Keys of the original that mean nothing here, and why.

/// Below `houston.config`.
pub(super) fn of_config(key: &str) -> &'static str {
    match key {
        "emailConfirmation" | "allowedSystemLevelDomains" | "externalSignupUrl" => {
            "who comes in is said by invitations, publicSignups and each provider's own settings"
        }
        "userManagement" => {
            "that people get roles by teams alone is a rule of each organization: `teamsOnly` in its policy"
        }
        "email" => "e-mail is configured in the section `email` of our own configuration",
        "jwt" => {
            "tokens are signed with keys that control makes itself (`aeolus key`), those for a container registry too (`compat.registry`)"
        }
        "deployments" | "helm" | "workers" => "it is about how the original runs Airflow",
        _ => "it is no part of signing in",
    }
}

/// Below `auth`.
pub(super) fn of_auth(key: &str) -> Option<&'static str> {
    (key == "ldap")
        .then_some("there is no LDAP: put an OpenID Connect provider in front of the directory")
}

/// Below `auth.local`.
pub(super) fn of_local(key: &str) -> Option<&'static str> {
    (key == "teams").then_some("teams of one's own are always there")
}

/// Below `auth.openidConnect`, in both schemas of the field (row B8).
pub(super) fn of_open_id(key: &str) -> Option<&'static str> {
    Some(match key {
        "masqueraders" => "identities are not looked up elsewhere",
        "insecureIDPTokenLog" => "tokens of providers are never logged",
        _ => return None,
    })
}

/// Below a provider.
pub(super) fn of_provider(key: &str) -> Option<&'static str> {
    Some(match key {
        "useExternalProxy" => "control uses no proxy in this release",
        _ => return None,
    })
}

/// Keys that the newer schema of the field writes as `KEY.enabled` (row B8): the old, and the new.
pub(super) const RENAMED: [(&str, &str); 2] = [
    ("idpGroupsImportEnabled", "idpGroupsImport"),
    ("idpGroupsRefreshEnabled", "idpGroupsRefresh"),
];
