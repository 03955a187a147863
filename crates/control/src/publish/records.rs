//! From the database's records to the snapshot's.

use std::collections::BTreeMap;

use aeolus_model::{
    ApiToken, BuiltIns, PermissionSet, Profile, Requirement, Resource, Session, StalenessPolicy,
    Subject, TeamId,
};
use aeolus_snapshot::section;
use aeolus_snapshot::section::{ResourceKind, SubjectKind};
use aeolus_store::{Connection, Deployment, GrantRecord, RevocationList, Team, User};

use crate::policy::Told;

pub(super) fn deployment(from: &Deployment, place: &str, told: &Told) -> section::Deployment {
    let profile = match from.profile {
        Profile::Airflow3 => section::Profile::Airflow3,
        Profile::Airflow2 => section::Profile::Airflow2,
        Profile::Custom => section::Profile::Custom,
    };
    let then = match from.staleness.then() {
        StalenessPolicy::Deny => section::StalePolicy::Deny,
        StalenessPolicy::ServeUntilExp => section::StalePolicy::ServeUntilExp,
        StalenessPolicy::ReadOnly => section::StalePolicy::ReadOnly,
        StalenessPolicy::StaticAllow => section::StalePolicy::StaticAllow,
    };
    let routes = from.routes.iter().map(|route| section::Route {
        host: route.host.to_string(),
        path_prefix: route
            .path_prefix
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    });
    let rules = from.rules.iter().map(|rule| section::PathRule {
        path: rule.path.to_string(),
        methods: rule.methods.iter().map(|m| m.name().to_owned()).collect(),
        require: requirement(rule.require),
    });
    section::Deployment {
        id: from.id.as_bytes().to_vec(),
        organization: from.organization.as_bytes().to_vec(),
        workspace: from.workspace.as_bytes().to_vec(),
        name: format!("{place}/{}", from.name),
        routes: routes.collect(),
        upstream: from.upstream.clone().unwrap_or_default(),
        profile: profile.into(),
        rules: rules.collect(),
        max_stale: from.staleness.max().as_secs(),
        hard_stale: from.staleness.hard().as_secs(),
        stale_then: then.into(),
        task_execution_from: from.task_execution_from.clone(),
        networks: told
            .allowed_networks
            .iter()
            .map(ToString::to_string)
            .collect(),
        second_factor: told.second_factor.is_required(),
    }
}

fn requirement(from: Requirement) -> String {
    from.into()
}

pub(super) fn person(from: &User, teams: Option<&Vec<TeamId>>) -> section::Subject {
    let teams = teams.into_iter().flatten();
    section::Subject {
        id: from.id.as_bytes().to_vec(),
        kind: SubjectKind::User.into(),
        email: from.email.to_string(),
        name: from.name.clone(),
        teams: teams.map(|team| team.as_bytes().to_vec()).collect(),
        identities: Vec::new(),
    }
}

pub(super) fn program(from: &ApiToken) -> section::Subject {
    section::Subject {
        id: from.id.as_bytes().to_vec(),
        kind: SubjectKind::Token.into(),
        email: String::new(),
        name: from.name.clone(),
        teams: Vec::new(),
        identities: Vec::new(),
    }
}

pub(super) fn team(from: &Team) -> section::Team {
    section::Team {
        id: from.id.as_bytes().to_vec(),
        name: from.name.to_string(),
    }
}

pub(super) fn connection(from: &Connection) -> section::Connection {
    section::Connection {
        id: from.id.as_bytes().to_vec(),
        name: from.name.to_string(),
        kind: from.kind.clone(),
        session_tokens: None,
        plane_registration: None,
    }
}

/// One record per subject and resource, with everything that its roles give.
pub(super) fn grants(from: &[GrantRecord], built_ins: &BuiltIns) -> Vec<section::Grant> {
    let mut held: BTreeMap<(Subject, Resource), PermissionSet> = BTreeMap::new();
    for record in from {
        let set = held
            .entry((record.grant.subject, record.grant.resource))
            .or_default();
        *set = set.union(record.grant.role.permissions(built_ins));
    }
    held.into_iter()
        .map(|((subject, resource), permissions)| {
            let (subject_kind, subject) = subject_parts(subject);
            let (resource_kind, resource) = resource_parts(resource);
            section::Grant {
                subject_kind: subject_kind.into(),
                subject,
                resource_kind: resource_kind.into(),
                resource,
                permissions: trimmed(permissions),
            }
        })
        .collect()
}

fn trimmed(permissions: PermissionSet) -> Vec<u8> {
    let mut bytes = permissions.to_bytes().to_vec();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

pub(super) fn subject_parts(subject: Subject) -> (SubjectKind, Vec<u8>) {
    match subject {
        Subject::User(id) => (SubjectKind::User, id.as_bytes().to_vec()),
        Subject::Team(id) => (SubjectKind::Team, id.as_bytes().to_vec()),
        Subject::Token(id) => (SubjectKind::Token, id.as_bytes().to_vec()),
    }
}

fn resource_parts(resource: Resource) -> (ResourceKind, Vec<u8>) {
    match resource {
        Resource::System => (ResourceKind::System, Vec::new()),
        Resource::Organization(id) => (ResourceKind::Organization, id.as_bytes().to_vec()),
        Resource::Workspace(id) => (ResourceKind::Workspace, id.as_bytes().to_vec()),
        Resource::Deployment(id) => (ResourceKind::Deployment, id.as_bytes().to_vec()),
    }
}

pub(super) fn revocations(from: RevocationList, ended: &[Session]) -> section::Revocations {
    let ends = from.ends.iter().map(|end| section::End {
        index: end.index,
        not_after: end.not_after.secs(),
    });
    let marks = from.marks.iter().map(|mark| {
        let (kind, subject) = subject_parts(mark.subject);
        section::Mark {
            subject_kind: kind.into(),
            subject,
            not_before: mark.not_before.secs(),
        }
    });
    let sessions = ended.iter().map(|session| section::EndedSession {
        id: session.id.as_bytes().to_vec(),
        absolute_end: session.absolute_end.secs(),
    });
    section::Revocations {
        ends: ends.collect(),
        not_before: from.not_before.secs(),
        marks: marks.collect(),
        sessions: sessions.collect(),
        status: from.status,
        lost: Vec::new(),
    }
}
