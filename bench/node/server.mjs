// A check in JavaScript: `node server.mjs FOLDER PORT` verifies each bearer token with jose and a local key set.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createLocalJWKSet, jwtVerify } from "jose";

const [folder, port] = process.argv.slice(2);
const keys = createLocalJWKSet(JSON.parse(readFileSync(join(folder, "jwks.json"), "utf8")));
const expected = { issuer: "https://issuer.bench.test", audience: "bench", algorithms: ["RS256"] };

createServer(async (request, response) => {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  try {
    if (scheme !== "Bearer") throw new Error("no token");
    const { payload } = await jwtVerify(token, keys, expected);
    response.writeHead(200, { "x-user": payload.sub, "content-length": 0 }).end();
  } catch {
    response.writeHead(401, { "content-length": 0 }).end();
  }
}).listen(Number(port), "127.0.0.1");
