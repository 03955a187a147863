//! `aeolus kube check`: every certificate of a cluster's Secrets, as `aeolus pki check` says it (row K7).

use aeolus_kube::{Client, KubeError, Scope};
use aeolus_pki::kube::{StoredSecret, secrets};

use crate::args::KubeCheck;
use crate::commands::Context;
use crate::commands::pki::check::Checker;
use crate::report::{Failure, Report};

/// What Helm remembers of releases is large, and has no certificate.
const ALL: &str = "type!=helm.sh/release.v1";
const TLS: &str = "type=kubernetes.io/tls";

/// Checks every namespace. One that can't be read doesn't keep the others from being checked.
pub(in crate::commands) async fn check(args: &KubeCheck, context: &Context) -> Result<(), Failure> {
    let client = args.access.client().await?;
    let mut checker = Checker::new(&args.against, None, context)?;
    let mut found = Vec::new();
    if args.all_namespaces {
        everywhere(&client, args, (&mut checker, &mut found)).await;
    } else {
        let own = [client.namespace().to_owned()];
        let namespaces = if args.namespace.is_empty() {
            &own[..]
        } else {
            &args.namespace
        };
        for namespace in namespaces {
            let before = found.len();
            if of(&client, args, namespace, (&mut checker, &mut found)).await
                && found.len() == before
            {
                checker.nothing(namespace, nothing(args));
            }
        }
    }
    // Copies are compared with their sources in other namespaces.
    checker.stored(&found).await;
    checker.end(context)
}

type Work<'a, 'b> = (&'a mut Checker<'b>, &'a mut Vec<StoredSecret>);

/// At once, or where that isn't allowed, namespace by namespace.
async fn everywhere(client: &Client, args: &KubeCheck, (checker, found): Work<'_, '_>) {
    const NAME: &str = "every namespace";
    let error = match list(client, args, &Scope::Cluster, checker).await {
        Ok(all) => {
            found.extend(all);
            None
        }
        Err(error) => Some(error),
    };
    if let Some(error) = error {
        let namespaces = match error {
            KubeError::Forbidden(_) => client.namespaces().await.ok(),
            _ => None,
        };
        let Some(namespaces) = namespaces else {
            return checker.unread(NAME, unread(NAME, &error));
        };
        for namespace in namespaces {
            of(client, args, &namespace.name, (checker, found)).await;
        }
    }
    if found.is_empty() && !checker.has_unread() {
        checker.nothing(NAME, nothing(args));
    }
}

/// Whether one namespace could be read.
async fn of(
    client: &Client,
    args: &KubeCheck,
    namespace: &str,
    (checker, found): Work<'_, '_>,
) -> bool {
    let scope = Scope::Namespace(namespace.to_owned());
    match list(client, args, &scope, checker).await {
        Ok(all) => {
            found.extend(all);
            true
        }
        Err(error) => {
            checker.unread(namespace, unread(namespace, &error));
            false
        }
    }
}

async fn list(
    client: &Client,
    args: &KubeCheck,
    scope: &Scope,
    checker: &Checker<'_>,
) -> Result<Vec<StoredSecret>, KubeError> {
    let passphrase = checker.passphrase();
    let fields = if args.all { ALL } else { TLS };
    let selectors = (args.selector.as_deref(), Some(fields));
    client
        .secret_lists(scope, selectors, |page| secrets(page, passphrase))
        .await
}

fn nothing(args: &KubeCheck) -> &'static str {
    if args.all {
        "no Secret there has one"
    } else {
        "there is no Secret of the type kubernetes.io/tls"
    }
}

fn unread(name: &str, error: &KubeError) -> Failure {
    let help = match error {
        KubeError::Forbidden(_) => {
            "grant list on secrets there to whoever checks, or leave the namespace out"
        }
        _ => error.help(),
    };
    Report::new(error.code(), format!("Secrets of {name}: {error}"))
        .why("Nothing is known about the certificates there.")
        .help(help)
        .usage()
}
