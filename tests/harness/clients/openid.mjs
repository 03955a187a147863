// openid-client and jose, unmodified, against a control plane. What a person does is asked for on standard output, one JSON object a
// line, and answered on standard input. Arguments: the issuer, the deployment to exchange a token for.

import { strict as assert } from "node:assert";
import { createInterface } from "node:readline";
import * as jose from "jose";
import * as client from "openid-client";

const [issuer, deployment] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function person(step, details) {
  process.stdout.write(`${JSON.stringify({ step, ...details })}\n`);
  return JSON.parse((await lines.next()).value);
}

// Plain http is for this machine only.
const config = await client.discovery(new URL(issuer), "aeolus-cli", undefined, client.None(), {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
});
const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
const accessToken = { issuer, typ: "at+jwt", algorithms: ["EdDSA"] };

// Authorization code with PKCE.
const redirect_uri = "http://127.0.0.1:4711/callback";
const pkceCodeVerifier = client.randomPKCECodeVerifier();
const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
const link = client.buildAuthorizationUrl(config, {
  redirect_uri,
  scope: "openid offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  state: expectedState,
  nonce: expectedNonce,
});
const back = await person("visit", { url: link.href });
const begun = await client.authorizationCodeGrant(config, new URL(back.url), {
  pkceCodeVerifier,
  expectedState,
  expectedNonce,
  idTokenExpected: true,
});
const who = begun.claims();
const info = await client.fetchUserInfo(config, begun.access_token, who.sub);
assert.equal(info.email, who.email);
const read = await jose.jwtVerify(begun.access_token, keys, { ...accessToken, audience: issuer });
assert.equal(read.payload.sub, who.sub);

// Refresh: another value each time, and an id_token about the same sign-in.
const held = await client.refreshTokenGrant(config, begun.refresh_token);
assert.notEqual(held.refresh_token, begun.refresh_token);
assert.equal(held.claims().sub, who.sub);
assert.equal(held.claims().auth_time, who.auth_time);

// Introspection of its own refresh tokens.
assert.equal((await client.tokenIntrospection(config, held.refresh_token)).active, true);
assert.equal((await client.tokenIntrospection(config, begun.refresh_token)).active, false);

// Exchange for a token that one deployment takes.
const tokenType = "urn:ietf:params:oauth:token-type:access_token";
const exchange = (audience) =>
  client.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", {
    subject_token: held.access_token,
    subject_token_type: tokenType,
    audience,
  });
const narrowed = await exchange(`urn:aeolus:deployment:${deployment}`);
assert.equal(narrowed.issued_token_type, tokenType);
await jose.jwtVerify(narrowed.access_token, keys, { ...accessToken, audience: `urn:aeolus:deployment:${deployment}` });
await assert.rejects(exchange("urn:airflow.apache.org:task"), { error: "invalid_target" });
await person("use", { token: narrowed.access_token });

// A machine without a browser.
const asked = await client.initiateDeviceAuthorization(config, { scope: "openid" });
await person("approve", { url: asked.verification_uri, code: asked.user_code });
const machine = await client.pollDeviceAuthorizationGrant(config, asked);
assert.equal(machine.claims().sub, who.sub);

// Signing out, and back.
const state = client.randomState();
const out = client.buildEndSessionUrl(config, {
  post_logout_redirect_uri: "http://127.0.0.1:4711/signed-out",
  id_token_hint: held.id_token,
  state,
});
const left = await person("leave", { url: out.href, token: narrowed.access_token });
assert.equal(left.url, `http://127.0.0.1:4711/signed-out?state=${state}`);
await assert.rejects(client.refreshTokenGrant(config, held.refresh_token), { error: "invalid_grant" });
await person("done", {});
process.exit(0);
