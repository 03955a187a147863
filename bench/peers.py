"""What else can say whether a request may pass, each verifying a bearer token (RS256) by itself.

All of them check signature, issuer, audience and expiry with a local key, on one core. None checks
revocation, rules or permissions, and none makes a token for the application: favours to them. Envoy,
HAProxy and Apache are whole proxies: what a request costs them without a check is in it too.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path


from harness.proxies import BIN

NODE = Path(__file__).resolve().parent / "node"
ISSUER = "https://issuer.bench.test"

HAPROXY = """
global
    nbthread 1
    maxconn 1000
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 1s
frontend check
    bind 127.0.0.1:{port}
    http-request set-var(txn.token) http_auth_bearer
    http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
    http-request deny deny_status 401 unless {{ var(txn.alg) -m str RS256 }}
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(txn.alg,"{home}/public.pem") 1 }}
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_payload_query('$.iss') -m str {issuer} }}
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_payload_query('$.aud') -m str bench }}
    http-request set-var(txn.exp) var(txn.token),jwt_payload_query('$.exp','int')
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
    http-request return status 200
"""

APACHE = """
ServerRoot /usr/lib/apache2
DefaultRuntimeDir {home}
PidFile {home}/apache.pid
ErrorLog {home}/apache.log
ServerName localhost
Listen 127.0.0.1:{port}
{modules}
StartServers 1
ServerLimit 1
ThreadLimit 256
ThreadsPerChild 256
MinSpareThreads 128
MaxSpareThreads 256
MaxRequestWorkers 256
MaxKeepAliveRequests 0
DocumentRoot {home}/www
OIDCOAuthVerifyCertFiles bench#{home}/public.pem
OIDCOAuthRemoteUserClaim sub
<Location "/">
    AuthType oauth20
    Require claim iss:{issuer}
</Location>
<Directory {home}/www>
    FallbackResource /empty
</Directory>
"""
MODULES = "mpm_event authn_core authz_core authz_user dir"


def prepare(home: Path, count: int) -> list[str]:
    """Installs what the Node peer needs, and makes the key and the tokens."""
    if not (NODE / "node_modules" / "jose").exists():
        npm = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(npm, check=True, cwd=NODE)
    subprocess.run(["node", NODE / "mint.mjs", home, str(count)], check=True)
    return (home / "tokens.txt").read_text().split()


def node(home: Path, port: int) -> list[str | Path]:
    """Node's own server with jose."""
    return ["node", NODE / "server.mjs", home, str(port)]


def haproxy(home: Path, port: int) -> list[str | Path]:
    """HAProxy's `jwt_verify`."""
    (home / "haproxy.cfg").write_text(HAPROXY.format(home=home, port=port, issuer=ISSUER))
    return ["haproxy", "-db", "-f", home / "haproxy.cfg"]


def apache(home: Path, port: int) -> list[str | Path]:
    """Apache with mod_auth_openidc as an OAuth 2.0 resource server."""
    modules = [f"LoadModule {name}_module modules/mod_{name}.so" for name in [*MODULES.split(), "auth_openidc"]]
    (home / "www").mkdir(exist_ok=True)
    (home / "www" / "empty").write_text("")
    text = APACHE.format(home=home, port=port, issuer=ISSUER, modules="\n".join(modules))
    (home / "apache.conf").write_text(text)
    return ["apache2", "-D", "FOREGROUND", "-f", home / "apache.conf"]


def envoy(home: Path, port: int, cache: bool = False) -> list[str | Path]:
    """Envoy's `jwt_authn`, also with its cache of verified tokens."""
    provider: dict = {
        "issuer": ISSUER,
        "audiences": ["bench"],
        "local_jwks": {"filename": str(home / "jwks.json")},
        "forward": True,
    }
    if cache:
        provider["jwt_cache_config"] = {"jwt_cache_size": 10_000}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "check",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.jwt_authn",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
                    "providers": {"bench": provider},
                    "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}],
                },
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            },
        ],
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    path = home / ("envoy-cache.json" if cache else "envoy.json")
    path.write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    quiet = ["--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    return [BIN / "envoy", "-c", path, *quiet]


def envoy_cache(home: Path, port: int) -> list[str | Path]:
    """The same with the cache."""
    return envoy(home, port, cache=True)


PEERS: dict[str, Callable[[Path, int], list[str | Path]]] = {
    "envoy": envoy,
    "envoy_cache": envoy_cache,
    "haproxy": haproxy,
    "node": node,
    "apache": apache,
}
