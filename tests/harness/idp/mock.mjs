// oauth2-mock-server, which signs everybody in as "johndoe" at once. Arguments: its issuer, which says where it listens; the files of its key
// and certificate for TLS (may be missing). Prints "ready" once it listens.
//
// Whom a client's name begins with "lie-" gets an id_token that is wrong in the way that the name says; "entra-" is answered as Entra does.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { OAuth2Server } from "oauth2-mock-server";

const [issuer, key, cert] = process.argv.slice(2);
const { pathname, port } = new URL(issuer);
const base = pathname.replace(/\/$/, "");

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
server.issuer.url = issuer;

const lies = {
  "lie-iss": ({ payload }) => (payload.iss = "https://other.example"),
  "lie-iss-slash": ({ payload }) => (payload.iss += "/"),
  "lie-aud": ({ payload }) => (payload.aud = "somebody-else"),
  "lie-nonce": ({ payload }) => (payload.nonce = "another"),
  "lie-nonce-missing": ({ payload }) => delete payload.nonce,
  "lie-at-hash": ({ payload }) => (payload.at_hash = "AAAAAAAAAAAAAAAAAAAAAA"),
  "lie-expired": ({ payload }) => Object.assign(payload, { iat: payload.iat - 7200, exp: payload.exp - 7200 }),
  "lie-future": ({ payload }) => Object.assign(payload, { iat: payload.iat + 600, nbf: payload.iat + 600 }),
  "lie-kid": ({ header }) => (header.kid = "unknown"),
  "lie-sub-missing": ({ payload }) => delete payload.sub,
};

// A person with more groups than a token holds: there is a link in their place.
const entra = ({ payload }) =>
  Object.assign(payload, {
    ver: "2.0",
    tid: base.split("/")[1],
    oid: "6a1b1d3c-7c1a-4a8e-9a52-3e8a3b0c1f11",
    preferred_username: "ann@example.com",
    _claim_names: { groups: "src1" },
    _claim_sources: { src1: { endpoint: "https://graph.windows.net/elsewhere/users/x/getMemberObjects" } },
  });

// What can't be said before it is signed.
const part = (of) => Buffer.from(JSON.stringify(of)).toString("base64url");
const forged = {
  "lie-none": ([, claims]) => `${part({ alg: "none" })}.${claims}.`,
  "lie-signature": ([head, claims, signature]) => `${head}.${claims}.${signature.split("").reverse().join("")}`,
  "lie-claims": ([head, , signature]) => `${head}.${part({ iss: issuer, sub: "johndoe", aud: "lie-claims" })}.${signature}`,
  "lie-missing": () => undefined,
};

server.service.on("beforeTokenSigning", (token, { body }) => {
  if (!token.payload.aud) return;
  lies[body.client_id]?.(token);
  if (body.client_id.startsWith("entra-")) entra(token);
});
server.service.on("beforeResponse", ({ body }, { body: asked }) => {
  const forge = forged[asked.client_id];
  if (forge) body.id_token = forge(body.id_token.split("."));
});

const handle = (request, answer) => {
  if (request.url.startsWith(base)) request.url = request.url.slice(base.length) || "/";
  server.service.requestHandler(request, answer);
};
const listening = key ? createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, handle) : createServer(handle);
listening.listen(Number(port), "127.0.0.1", () => console.log("ready"));
