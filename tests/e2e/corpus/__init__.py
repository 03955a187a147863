"""Attacks on gates behind proxies, as data: what is sent, and what may come of it.

`D`: refused, and the application sees nothing. `S`: whatever is answered, an application that sees the
request sees our identity and none that the client made up.

Numbers are the rows of the published corpus of forward-authentication faults, most with a CVE or GHSA
id of the product that had it. In a request, `{HOST}` is the deployment's host and port, `{TOKEN}` a
viewer's good API token, `{COOKIE}` a viewer's good session.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PRIVATE = "/api/v2/dags"


@dataclass(frozen=True)
class Row:
    """One attack."""

    id: str
    what: str
    line: str
    headers: tuple[bytes | str, ...] = ()
    want: str = "D"
    # Proxies that answer it otherwise without letting it through, each with the reason.
    except_for: dict[str, str] = field(default_factory=dict)
    host: str = "Host: {HOST}"

    def request(self, **values: str) -> bytes:
        """The bytes."""
        own = any(isinstance(header, str) and header.startswith("Connection:") for header in self.headers)
        lines = [self.line, self.host, *self.headers, *([] if own else ["Connection: close"]), "", ""]
        parts = [part.encode() if isinstance(part, str) else part for part in lines]
        request = b"\r\n".join(part for at, part in enumerate(parts) if part or at >= len(parts) - 2)
        for name, value in values.items():
            request = request.replace(b"{%s}" % name.encode(), value.encode())
        return request


def get(path: str) -> str:
    """A request line."""
    return f"GET {path} HTTP/1.1"


TOKEN = "Authorization: Bearer {TOKEN}"
NONE = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYWxsb3J5In0."

CADDY_EMPTY = dict.fromkeys(
    ("caddy-2.6", "caddy-2.11"), "Caddy answers a host it does not know with an empty 200 of its own"
)

ROWS = [
    Row("1", "CVE-2026-40575: the client's X-Forwarded-Uri decides", get(PRIVATE), ("X-Forwarded-Uri: /static/x",)),
    Row("1b", "the same by X-Original-URL", get(PRIVATE), ("X-Original-URL: https://{HOST}/static/x",)),
    Row("1c", "the same by X-Original-URI and X-Rewrite-URL", get(PRIVATE), ("X-Original-URI: /static/x", "X-Rewrite-URL: /static/x")),
    Row("2", "CVE-2025-54576: the query looks like a public path", get(f"{PRIVATE}?x=/static/x")),
    Row("4", "CVE-2026-34457: a health checker's name", get(PRIVATE), ("User-Agent: GoogleHC/1.0",)),
    Row("8", "CVE-2026-39858: aliases with underscores", get(PRIVATE), ("X_Forwarded_Proto: https", "X_Forwarded_Uri: /static/x")),
    Row("9", "GHSA-6384-m2mw-rf54: X-Forwarded-Prefix", get(PRIVATE), ("X-Forwarded-Prefix: /static",)),
    Row("10", "GHSA-6jwx-7vp4-9847: an encoded slash behind a public prefix", get("/static%2F..%2Fapi/v2/dags")),
    Row("12", "CVE-2024-45410: Connection drops X-Forwarded-Host", get(PRIVATE), ("Connection: X-Forwarded-Host, X-Forwarded-Uri",)),
    Row("13", "M1: Connection drops the identity", get(PRIVATE), (TOKEN, "X-Aeolus-User: mallory", "Connection: close, X-Aeolus-User, Authorization"), "S"),
    Row("14", "CVE-2025-32431: dots behind a public prefix", get(f"/static/..{PRIVATE}")),
    Row("14b", "CVE-2025-47952: encoded dots", get(f"/static/%2e%2e{PRIVATE}")),
    Row("14c", "dots with a parameter", get(f"/static/..;x{PRIVATE}")),
    Row("16", "CVE-2026-30851: the client's own identity header", get(PRIVATE), (TOKEN, "X-Aeolus-User: mallory", "X-Aeolus-Email: mallory@example.com", "X-Aeolus-Deployment: mallory"), "S"),
    Row("17", "M2: the same on a public path", get("/static/x"), ("X-Aeolus-User: mallory", "Authorization: Bearer mallory"), "S"),
    Row("18", "CVE-2026-27588: the host in capitals", get(PRIVATE), host="Host: {UPPER}"),
    Row("18b", "a host with a trailing dot", get(PRIVATE), except_for=CADDY_EMPTY, host="Host: {DOTTED}"),
    Row("20", "CVE-2026-48794: another host's name, forwarded", get(PRIVATE), ("X-Forwarded-Host: public.example",)),
    Row("21", "CVE-2021-32637: a URL that can't be read", get(PRIVATE), ("X-Original-URL: https://{HOST}/%zz",)),
    Row("22", "CVE-2026-25748: a cookie that can't be read", get(PRIVATE), (b"Cookie: aeolus=%00%ff; __Host-aeolus=\xff\xfe",)),
    Row("24", "CVE-2023-36456: a private address, forwarded", get(PRIVATE), ("X-Forwarded-For: 10.0.0.1", "X-Real-IP: 127.0.0.1")),
    Row("30", "CVE-2026-42272: an encoded slash in lower case", get("/api%2fv2%2fdags")),
    Row("30b", "an encoded slash in capitals", get("/api%2Fv2/dags")),
    Row("32", "CVE-2026-26205: two slashes", get(f"/{PRIVATE}")),
    Row("33", "CVE-2026-33186: a path without its slash", get("api/v2/dags")),
    Row("34", "CVE-2020-25017: a good and a bad Authorization", get(PRIVATE), ("Authorization: Bearer x", TOKEN)),
    Row("34b", "the same the other way round", get(PRIVATE), (TOKEN, "Authorization: Bearer x")),
    Row("36", "CVE-2021-32779: a fragment", get(f"{PRIVATE}#/../static/x")),
    Row("37", "CVE-2022-29226: any bearer", get(PRIVATE), ("Authorization: Bearer x",)),
    Row("37b", "another scheme", get(PRIVATE), ("Authorization: Basic bWFsbG9yeTp4",)),
    Row("41", "CVE-2019-9900: a NUL in a header", get(PRIVATE), (b"X-A: b\x00c",)),
    Row("41a", "CVE-2023-25725: an empty header name", get(PRIVATE), (": v", TOKEN), "S"),
    Row("41b", "M13: a byte that is no text in the cookies", get(PRIVATE), (b"Cookie: x=\xff; y=1",)),
    Row("41c", "M14: two cookie lines with half a session each", get(PRIVATE), ("Cookie: aeolus=a", "Cookie: aeolus=b")),
    Row("42", "CVE-2023-45539: a fragment that looks like a picture", get(f"{PRIVATE}#.png")),
    Row("46", "M3: an absolute target with another host", get("http://nobody.localhost/api/v2/dags"), (TOKEN,), "S"),
    Row("48", "M5: the query names a deployment", get(f"{PRIVATE}?deployment=x&rd=//evil&allowed_groups=all")),
    Row("52", "M9: an h2c tunnel", get(PRIVATE), (TOKEN, "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Connection: Upgrade, HTTP2-Settings"), "S"),
    Row("53", "M10: OPTIONS *", "OPTIONS * HTTP/1.1", (TOKEN,), "S"),
    Row("53b", "TRACE", f"TRACE {PRIVATE} HTTP/1.1", (TOKEN,)),
    Row("53c", "CONNECT", "CONNECT {HOST} HTTP/1.1", (TOKEN,)),
    Row("54", "M11: an alias that Python merges", get(PRIVATE), (TOKEN, "X_Aeolus_User: mallory"), "S"),
    Row("56", "decoded twice", get("/api%252Fv2/dags")),
    Row("56b", "decoded twice behind a public prefix", get("/static/%252e%252e/api/v2/dags")),
    Row("57", "overlong UTF-8", get("/a%c0%afb"), (TOKEN,)),
    Row("58", "a method override", f"POST {PRIVATE} HTTP/1.1", (TOKEN, "Content-Length: 0", "X-HTTP-Method-Override: DELETE")),
    Row("62", "a poisoned Host", get(PRIVATE), (TOKEN,), except_for=CADDY_EMPTY, host="Host: evil.example"),
    Row("64", "two cookies of one name", get(PRIVATE), ("Cookie: {COOKIE}; aeolus=evil",)),
    Row("65", "cookie bombing", get(PRIVATE), ("Cookie: " + "; ".join(f"c{n}={'x' * 1000}" for n in range(60)),)),
    Row("70", "alg none", get(PRIVATE), (f"Authorization: Bearer {NONE}",)),
    Row("70b", "a tampered signature", get(PRIVATE), ("Authorization: Bearer {TOKEN}x",)),
    Row("84", "CVE class: cross-site websocket", get(PRIVATE), ("Cookie: {COOKIE}", "Origin: https://evil.example", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")),
    Row("85", "the check as an oracle", get("/authz/nginx/00000000-0000-0000-0000-000000000000")),
    Row("86", "a line break in the path", get("/dags%0d%0aX-Aeolus-User:%20mallory"), (TOKEN,)),
    Row("T42", "two credentials in one header", get(PRIVATE), ("Authorization: Bearer {TOKEN}, Bearer x",)),
    Row("T43", "a token in the query", get(f"{PRIVATE}?access_token={{TOKEN}}&token={{TOKEN}}")),
    Row("T47", "other products' identity headers", get(PRIVATE), (TOKEN, "X-Forwarded-User: mallory", "Remote-User: mallory", "X-Auth-Request-User: mallory"), "S"),
    Row("T48", "Airflow's own cookie", get(PRIVATE), (TOKEN, "Cookie: _token=mallory; theme=dark"), "S"),
    Row("T53", "two framings", f"POST {PRIVATE} HTTP/1.1", (TOKEN, "Content-Length: 5", "Transfer-Encoding: chunked", "", "0", "", "GET /smuggled HTTP/1.1", "Host: {HOST}"), "S"),
    Row("T53b", "a folded header", get(PRIVATE), (TOKEN, "X-Aeolus-User: a\r\n mallory"), "S"),
    Row("T54", "Airflow's task interface", get("/execution/variables/secret"), (TOKEN,)),
    Row("T54b", "the same, encoded", get("/%65xecution/variables/secret"), (TOKEN,)),
    Row("O29", "a cross-site write with the cookie", f"POST {PRIVATE} HTTP/1.1", ("Cookie: {COOKIE}", "Origin: https://evil.example", "Content-Length: 0")),
    Row("O29b", "a write with the cookie from nowhere", f"POST {PRIVATE} HTTP/1.1", ("Cookie: {COOKIE}", "Content-Length: 0")),
]
