// A Better Auth server as the README has it: the test puts the README's lines between the
// braces of `readme`. The base URL and the secret are those of the environment.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { SignJWT } from "jose";

const readme = {};
const auth = betterAuth({
  database: memoryAdapter({ user: [], session: [], account: [], verification: [], jwks: [] }),
  telemetry: { enabled: false },
  emailAndPassword: { enabled: true },
  ...readme,
});
await auth.$context;
const { port } = new URL(process.env.BETTER_AUTH_URL);
const server = createServer(toNodeHandler(auth));
server.listen(port, "127.0.0.1", () => console.log(`issuer ready on http://127.0.0.1:${port}`));
