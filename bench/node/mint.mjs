// An RSA key and tokens that it signed: `node mint.mjs FOLDER COUNT` writes jwks.json, public.pem and tokens.txt.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";

const [folder, count] = process.argv.slice(2);
const { publicKey, privateKey } = await generateKeyPair("RS256", { modulusLength: 2048 });
const jwk = { ...(await exportJWK(publicKey)), kid: "bench", alg: "RS256", use: "sig" };
const tokens = [];
for (let number = 0; number < Number(count); number++) {
  const claims = { email: `user-${number}@example.com`, jti: crypto.randomUUID(), auth_time: 1, amr: ["pwd"] };
  const token = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "bench", typ: "JWT" });
  token.setIssuer("https://issuer.bench.test").setAudience("bench").setSubject(crypto.randomUUID());
  tokens.push(await token.setIssuedAt().setExpirationTime("8h").sign(privateKey));
}
await writeFile(join(folder, "jwks.json"), JSON.stringify({ keys: [jwk] }));
await writeFile(join(folder, "public.pem"), await exportSPKI(publicKey));
await writeFile(join(folder, "tokens.txt"), tokens.join("\n"));
