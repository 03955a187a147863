"""Values that the chart is tried with: what people write, and both generations of the original's files."""

from __future__ import annotations

from typing import Any

BASE = {"baseDomain": "example.com"}
POSTGRES = {"control": {"database": {"kind": "postgresql"}}}
SEVERAL = {"gate": {"replicas": 3, "identity": {"secretName": "plane-identity"}}}
CERTIFIED = {
    "global": BASE,
    "control": {"ingress": {"enabled": True}, "tls": {"secretName": "control-listener", "listeners": ["control", "metrics"]}},
    "gate": {
        "ingress": {"enabled": True, "hosts": ["etl.example.com"]},
        "tls": {"secretName": "gate-listener", "listeners": ["proxy", "metrics"]},
    },
    "certManager": {"enabled": True, "ca": {"secretName": "aeolus-ca"}},
}
MONITORED = {
    "monitoring": {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboard")}
}
OKTA = {
    "enabled": True,
    "clientId": "ffhsdf78f734h2fsd",
    "discoveryUrl": "https://acme.okta.com/.well-known/openid-configuration",
}
SECRETS = [
    {
        "envName": "AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET",
        "secretName": "oauth-client-secret",
        "secretKey": "client_secret",
    },
    {"envName": "SCIM_AUTH_CODE_OKTA", "secretName": "okta-provisioning-secret"},
]
WAY_OUT = [{"name": "GLOBAL_AGENT_HTTPS_PROXY", "value": "http://my-proxy:3129"}]
# Generation 0.x and 1.x: flat booleans, what belongs below `astronomer` at the top, a pool below `features`.
OLDER = {
    "global": {
        "baseDomain": "example.com",
        "tlsSecret": "platform-tls",
        "privateCaCerts": ["corp-root", "corp-next"],
        "privateCaCertsAddToHost": {"enabled": True},
        "features": {"namespacePools": {"enabled": True, "namespaces": {"create": True, "names": ["airflow-a", "airflow-b"]}}},
    },
    "houston": {"regenerateCaEachUpgrade": False},
    "nginx": {"replicas": 2},
    "astronomer": {
        "configSyncer": {"enabled": True, "schedule": "*/10 * * * *"},
        "houston": {
            "upgradeDeployments": {"enabled": False},
            "env": WAY_OUT,
            "secret": SECRETS,
            "config": {
                "publicSignups": False,
                "auth": {
                    "local": {"enabled": True},
                    "okta": OKTA,
                    "openidConnect": {"idpGroupsImportEnabled": True, "google": {"enabled": False}},
                },
            },
        },
    },
}
# Generation 2.x: nested switches, planes, a pool below `namespaceManagement`.
NEWER = {
    "global": {
        "baseDomain": "example.com",
        "plane": {"mode": "unified", "domainPrefix": ""},
        "tlsSecret": "platform-tls",
        "namespaceManagement": {"namespacePools": {"enabled": True, "namespaces": {"names": ["airflow-a", "airflow-b"]}}},
    },
    "astronomer": {
        "houston": {
            "regenerateCaEachUpgrade": True,
            "secret": SECRETS,
            "config": {
                "publicSignups": {"enabled": False},
                "auth": {
                    "openidConnect": {
                        "flow": "code",
                        "clockTolerance": 0,
                        "idpGroupsImport": {"enabled": True},
                        "okta": OKTA | {"authUrlParams": {"audience": "api"}},
                    }
                },
            },
        },
        "configSyncer": {"schedule": "*/5 * * * *"},
    },
}

MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "control-alone": {"global": {"plane": {"mode": "control"}}, **POSTGRES},
    "data-alone": {"global": {"plane": {"mode": "data", "domainPrefix": "eu-1"}, **BASE}, **SEVERAL},
    "postgresql-and-replicas": {**POSTGRES, **SEVERAL, **MONITORED},
    "cert-manager": CERTIFIED | MONITORED,
    "issuer-of-others": {
        **CERTIFIED,
        "certManager": {"enabled": True, "issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer"}},
    },
    "pool": {"configSyncer": {"targetNamespaces": ["airflow-a", "airflow-b"]}},
    "sidecar": {"configSyncer": {"sidecar": {"enabled": True}}, **SEVERAL},
    "sidecar-and-pool": {"configSyncer": {"sidecar": {"enabled": True}, "targetNamespaces": ["airflow-a"]}},
    "nothing-extra": {
        "configSyncer": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "control": {"pdb": {"enabled": False}},
        "gate": {"pdb": {"enabled": False}, "service": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}},
        "podSecurity": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
    },
    "everything": {
        "image": {"digest": "sha256:" + "0" * 64, "pullSecrets": ["registry"]},
        "control": {
            "root": {"secretName": "aeolus-root"},
            "config": {"control": {"deviceFlow": "off"}, "email": {"from": "aeolus@example.com"}, "keys": {"rotateEvery": "90d"}},
            "env": [{"name": "OBSERVABILITY__LOG", "value": "info"}],
            "secret": [{"envName": "EMAIL__SMTP_URL", "secretName": "smtp", "secretKey": "url"}],
            "service": {"annotations": {"a": "b"}},
            "podAnnotations": {"a": "b"},
            "podLabels": {"a": "b"},
            "nodeSelector": {"pool": "auth"},
            "tolerations": [{"key": "auth", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
            "priorityClassName": "system-cluster-critical",
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
            ],
        },
        "gate": {"config": {"gate": {"probe": {"every": "30s"}}}, "persistence": {"storageClass": "fast"}},
        "networkPolicy": {"monitoringFrom": [], "gate": {"extraEgress": [{"ports": [{"port": 9000}]}]}},
    },
    "original-older": OLDER,
    "original-newer": NEWER,
}
