// node-oidc-provider as a company would run it: a client for apps and one for a plane, one signing key, one API per resource.
// Arguments: port, id of the signing key, where the plane's client is told of sign-outs (may be missing), a file with the keys of a plane's
// client that signs (may be missing), control's URL (may be missing), a file with the groups of each login (may be missing; read at each
// sign-in). Prints "ready" once it listens.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const [port, kid, logoutUri, clientKeys, control, groups] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };

// What is known of somebody: where there are groups, an address that was proved as well.
const claims = (id) => {
  if (!groups) return { sub: id };
  const held = JSON.parse(readFileSync(groups))[id];
  return { sub: id, email: `${id}@example.com`, email_verified: true, ...(held && { groups: held }) };
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "spa",
      application_type: "native",
      token_endpoint_auth_method: "none",
      redirect_uris: ["http://127.0.0.1/callback"],
    },
    {
      // A plane's own client; on this machine it comes back at whatever port its gate has.
      client_id: "aeolus-local",
      application_type: "native",
      token_endpoint_auth_method: "none",
      redirect_uris: ["http://localhost/.aeolus/callback"],
      ...(logoutUri && { backchannel_logout_uri: logoutUri }),
    },
    ...(control
      ? [
          {
            // Control's own client, for either flow; native, since control is on this machine without TLS.
            client_id: "aeolus-control",
            application_type: "native",
            token_endpoint_auth_method: "none",
            response_types: ["code", "id_token token"],
            grant_types: ["authorization_code", "implicit"],
            redirect_uris: [`${control}/v1/oauth/callback/`, `${control}/v1/oauth/redirect/`],
            post_logout_redirect_uris: [`${control}/logout`],
          },
        ]
      : []),
    ...(clientKeys
      ? [
          {
            client_id: "aeolus-signs",
            application_type: "native",
            token_endpoint_auth_method: "private_key_jwt",
            token_endpoint_auth_signing_alg: "ES256",
            jwks: JSON.parse(readFileSync(clientKeys)),
            redirect_uris: ["http://localhost/.aeolus/callback"],
          },
        ]
      : []),
  ],
  jwks: { keys: [key] },
  responseTypes: ["code", "id_token", "id_token token"],
  findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
  claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
  // Its own way out takes no connection to this machine, where control is.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      // Whom a client shows its id_token of them, which was checked by now, isn't asked whether they mean it.
      logoutSource: (ctx, form) => {
        const known = ctx.oidc.entities.IdTokenHint !== undefined;
        const choice = known ? '<input type="hidden" name="logout" value="yes"/>' : '<button name="logout" value="yes">Yes</button>';
        ctx.body = `<!DOCTYPE html><title>Sign out</title>${form.replace("</form>", `${choice}</form>`)}`;
      },
    },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      // The last part of a resource's URL is the audience of its tokens.
      getResourceServerInfo: (_, resource) => ({
        scope: "dags",
        audience: new URL(resource).pathname.slice(1),
        accessTokenTTL: 600,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});

// What becomes of telling a client that somebody signed out, for whoever reads the log.
provider.on("backchannel.success", (_, client) => console.error(`told ${client.clientId}`));
provider.on("backchannel.error", (_, error, client) => console.error(`could not tell ${client.clientId}: ${error}`, error.cause ?? ""));

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
