use aeolus_snapshot::Canonical;
use aeolus_snapshot::patch::{apply, canonical, diff};
use aeolus_snapshot::section::{
    Certificate, Certificates, Connection, Connections, Deployment, Deployments, EndedSession,
    Grant, GrantList, Keys, Mark, ProviderKey, Revocations, SessionTokens, Subject, Subjects, Team,
    TokenKey,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

fn id() -> impl Strategy<Value = Vec<u8>> {
    (0_u8..12).prop_map(|n| vec![n; 16])
}

fn deployments() -> impl Strategy<Value = Deployments> {
    btree_map(id(), ("[a-c]{1,3}", 0_u64..3), 0..12).prop_map(|all| Deployments {
        deployments: all
            .into_iter()
            .map(|(id, (name, max_stale))| Deployment {
                id,
                name,
                max_stale,
                ..Deployment::default()
            })
            .collect(),
    })
}

fn subjects() -> impl Strategy<Value = Subjects> {
    let people = btree_map(id(), ("[a-c]{0,3}", vec(id(), 0..3)), 0..12);
    (people, btree_set(id(), 0..5)).prop_map(|(people, teams)| Subjects {
        subjects: people
            .into_iter()
            .map(|(id, (email, teams))| Subject {
                id,
                kind: 1,
                email,
                teams,
                ..Subject::default()
            })
            .collect(),
        teams: teams
            .into_iter()
            .map(|id| Team {
                id,
                name: "t".to_owned(),
            })
            .collect(),
    })
}

fn grants() -> impl Strategy<Value = GrantList> {
    btree_map(
        (1_i32..4, id(), 1_i32..5, id()),
        vec(any::<u8>(), 0..5),
        0..20,
    )
    .prop_map(|all| {
        let grant = |((subject_kind, subject, resource_kind, resource), permissions)| Grant {
            subject_kind,
            subject,
            resource_kind,
            resource,
            permissions,
        };
        GrantList {
            grants: all.into_iter().map(grant).collect(),
        }
    })
}

fn keys() -> impl Strategy<Value = Keys> {
    ("[a-c]{0,3}", btree_set("[a-e]{1,2}", 0..5)).prop_map(|(issuer, keys)| Keys {
        issuer,
        keys: keys
            .into_iter()
            .map(|jwk| TokenKey {
                kind: "api".to_owned(),
                jwk,
            })
            .collect(),
    })
}

fn certificates() -> impl Strategy<Value = Certificates> {
    let records = btree_map("[a-e]{1,2}", ("[a-c]{0,40}", 0_i32..4, 0_i64..3), 0..5);
    ("[a-c]{0,3}", records).prop_map(|(jwks_url, records)| Certificates {
        jwks_url,
        certificates: records
            .into_iter()
            .map(|(kid, (chain, stage, not_after))| Certificate {
                kid,
                chain,
                stage,
                not_after,
                ..Certificate::default()
            })
            .collect(),
    })
}

fn connections() -> impl Strategy<Value = Connections> {
    let salt = vec(any::<u8>(), 0..4);
    (btree_map(id(), vec("[a-c]{0,2}", 0..4), 0..5), salt).prop_map(|(records, identity_salt)| {
        let key = |jwk| ProviderKey { kid: None, jwk };
        let connections = records.into_iter().map(|(id, jwks)| Connection {
            id,
            session_tokens: (!jwks.is_empty()).then(|| SessionTokens {
                keys: jwks.into_iter().map(key).collect(),
                ..SessionTokens::default()
            }),
            ..Connection::default()
        });
        Connections {
            connections: connections.collect(),
            identity_salt,
            auth_host: String::new(),
        }
    })
}

pub(crate) fn revocations() -> impl Strategy<Value = Revocations> {
    let status = (0_usize..400, vec((0_usize..400, any::<u8>()), 0..4));
    let marks = btree_map((1_i32..3, id()), 0_i64..5, 0..5);
    (status, 0_i64..3, marks, btree_set(id(), 0..4)).prop_map(
        |((length, bits), not_before, marks, sessions)| {
            let mut status = vec![0; length];
            for (at, byte) in bits {
                if let Some(target) = status.get_mut(at) {
                    *target = byte;
                }
            }
            Revocations {
                status,
                not_before,
                marks: marks
                    .into_iter()
                    .map(|((subject_kind, subject), not_before)| Mark {
                        subject_kind,
                        subject,
                        not_before,
                    })
                    .collect(),
                sessions: sessions
                    .into_iter()
                    .map(|id| EndedSession {
                        id,
                        absolute_end: 9,
                    })
                    .collect(),
                ..Revocations::default()
            }
        },
    )
}

fn check(base: &impl Canonical, new: &impl Canonical) -> Result<(), TestCaseError> {
    let (base, new) = (base.canonical().unwrap(), new.canonical().unwrap());
    let patch = diff(&base, &new).unwrap();
    prop_assert_eq!(apply(&base, &patch).unwrap(), new.clone());
    prop_assert_eq!(canonical(&new).unwrap(), new.clone());
    prop_assert!(diff(&new, &new).unwrap().is_empty());
    Ok(())
}

/// Any sequence of patches gives what the last base, rebuilt, would have been.
fn check_all(versions: &[impl Canonical]) -> Result<(), TestCaseError> {
    let versions: Vec<_> = versions.iter().map(|v| v.canonical().unwrap()).collect();
    let mut patched = versions[0].clone();
    for pair in versions.windows(2) {
        patched = apply(&patched, &diff(&pair[0], &pair[1]).unwrap()).unwrap();
        prop_assert_eq!(&patched, &pair[1]);
    }
    prop_assert_eq!(Some(&patched), versions.last());
    Ok(())
}

proptest! {
    #[test]
    fn any_sequence_of_revocations(versions in vec(revocations(), 1..8)) { check_all(&versions)?; }
    #[test]
    fn any_sequence_of_grants(versions in vec(grants(), 1..8)) { check_all(&versions)?; }
    #[test]
    fn any_sequence_of_deployments(versions in vec(deployments(), 1..8)) { check_all(&versions)?; }

    #[test]
    fn deployments_patch((base, new) in (deployments(), deployments())) { check(&base, &new)?; }
    #[test]
    fn subjects_patch((base, new) in (subjects(), subjects())) { check(&base, &new)?; }
    #[test]
    fn grants_patch((base, new) in (grants(), grants())) { check(&base, &new)?; }
    #[test]
    fn keys_patch((base, new) in (keys(), keys())) { check(&base, &new)?; }
    #[test]
    fn connections_patch((base, new) in (connections(), connections())) { check(&base, &new)?; }
    #[test]
    fn certificates_patch((base, new) in (certificates(), certificates())) { check(&base, &new)?; }
    #[test]
    fn any_sequence_of_certificates(versions in vec(certificates(), 1..8)) { check_all(&versions)?; }
    #[test]
    fn revocations_patch((base, new) in (revocations(), revocations())) { check(&base, &new)?; }

    #[test]
    fn any_bytes_are_applied_or_refused_without_panic(
        base in vec(any::<u8>(), 0..100),
        patch in vec(any::<u8>(), 0..100),
    ) {
        let _ = apply(&base, &patch);
        if let (Ok(base), Ok(new)) = (canonical(&base), canonical(&patch)) {
            let difference = diff(&base, &new).unwrap();
            prop_assert_eq!(apply(&base, &difference).unwrap(), new);
        }
    }
}

#[test]
fn one_revoked_token_of_a_million_costs_a_few_bytes() {
    let base = Revocations {
        status: vec![0; 125_000],
        ..Revocations::default()
    };
    let mut new = base.clone();
    new.status[77_777] = 1;
    let (base, new) = (base.canonical().unwrap(), new.canonical().unwrap());
    let patch = diff(&base, &new).unwrap();
    assert!(patch.len() < 16, "{}", patch.len());
    assert_eq!(apply(&base, &patch).unwrap(), new);
}

#[test]
fn a_field_with_a_padded_length_survives_too() {
    // Field 1, 40 bytes, whose length is written in two bytes instead of one.
    let field = |byte: u8| [&[0x0a, 0xa8, 0x00][..], &[0; 39], &[byte]].concat();
    let patch = diff(&field(0), &field(1)).unwrap();
    assert_eq!(apply(&field(0), &patch).unwrap(), field(1));
}

#[test]
fn a_patch_keeps_fields_it_does_not_know() {
    // Field 500, one byte of content: something a newer control wrote.
    let unknown = [0xa2, 0x1f, 0x01, 0x2a];
    let base = Revocations {
        not_before: 1,
        ..Revocations::default()
    };
    let new = Revocations {
        not_before: 2,
        ..Revocations::default()
    };
    let with = |r: &Revocations| [r.canonical().unwrap(), unknown.to_vec()].concat();
    let patch = diff(&with(&base), &with(&new)).unwrap();
    assert_eq!(apply(&with(&base), &patch).unwrap(), with(&new));
}
