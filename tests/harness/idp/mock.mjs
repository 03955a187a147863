// oauth2-mock-server, which signs everybody in as "johndoe" at once. Argument: port. Prints "ready" once it listens.

import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(Number(process.argv[2]), "127.0.0.1");
// Control knows it by its address.
server.issuer.url = `http://127.0.0.1:${process.argv[2]}`;
console.log("ready");
