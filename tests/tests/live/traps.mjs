// Checks what docs/better-auth.md says about Better Auth itself, with the configuration to
// copy, in one process and on one database, so that settings can change between starts.
// Runs in example-app/issuer.
import { strict as assert } from "node:assert";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { bearer, jwt } from "better-auth/plugins";
import { decodeJwt } from "jose";

const SECRET = "the first secret: 32 bytes or more of it";
const NEW = "another secret: 32 bytes or more of it";
const BASE = "http://127.0.0.1:3000";

const copied = async (mode) => {
  Object.assign(process.env, { BETTER_AUTH_SECRET: SECRET, BETTER_AUTH_URL: BASE, ISSUER_MODE: mode });
  const { auth } = await import(`./auth.mjs?${mode}`);
  return auth.options;
};
const options = { hs256: await copied("hs256"), jwks: await copied("jwks") };

// Starts a server with these variables on this database.
const start = async (mode, database, { variables = {}, ...changes } = {}) => {
  for (const name of ["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS", "BETTER_AUTH_URL"])
    delete process.env[name];
  Object.assign(process.env, { BETTER_AUTH_SECRET: SECRET, ...variables });
  const auth = betterAuth({
    ...options[mode],
    database: memoryAdapter(database),
    logger: { disabled: true },
    ...changes,
  });
  await auth.$context;
  return async (path, { host = BASE, body, ...headers } = {}) => {
    const request = new Request(`${host}/api/auth/${path}`, {
      method: body ? "POST" : "GET",
      headers: body ? { ...headers, "Content-Type": "application/json" } : headers,
      body: body && JSON.stringify(body),
    });
    const response = await auth.handler(request);
    const text = await response.text();
    const cookie = response.headers.getSetCookie().map((field) => field.split(";")[0]).join("; ");
    return { status: response.status, answer: text && JSON.parse(text), cookie };
  };
};
const empty = () => ({ user: [], session: [], account: [], verification: [], jwks: [] });
const alice = { name: "Alice", email: "alice@example.com", password: "correct horse" };
const signIn = async (call) => (await call("sign-in/email", { body: alice })).cookie;
const plugins = (mode, change) => {
  const given = options[mode].plugins.find((plugin) => plugin.id === "jwt").options;
  return [jwt({ ...given, jwt: { ...given.jwt, ...change } }), bearer()];
};

// Better Auth prints errors even with its logger disabled.
console.error = () => {};

// A new secret ends sessions and makes private keys unreadable. With the new one in
// BETTER_AUTH_SECRETS and the old one in its place, they stay readable.
const statuses = async (mode, variables) => {
  const database = empty();
  const before = await start(mode, database);
  const { cookie } = await before("sign-up/email", { body: alice });
  assert.equal((await before("token", { cookie })).status, 200);
  const after = await start(mode, database, { variables });
  return {
    session: (await after("get-session", { cookie })).answer === null ? "ended" : "alive",
    token: (await after("token", { cookie: await signIn(after) })).status,
    jwks: (await after("jwks")).status,
  };
};
const changed = { BETTER_AUTH_SECRET: NEW };
const separate = { BETTER_AUTH_SECRETS: `1:${NEW}` };
assert.deepEqual(await statuses("jwks", changed), { session: "ended", token: 500, jwks: 200 });
assert.deepEqual(await statuses("jwks", separate), { session: "ended", token: 200, jwks: 200 });
assert.deepEqual(await statuses("hs256", changed), { session: "ended", token: 200, jwks: 404 });
// With BETTER_AUTH_SECRETS set, a new secret for the tokens does not affect sessions.
const own = { BETTER_AUTH_SECRETS: `1:${SECRET}` };
assert.deepEqual(await statuses("hs256", { ...own, ...changed }), { session: "alive", token: 200, jwks: 404 });

// Without a base URL, the caller's `Host` decides the issuer of a token.
const other = "http://other.example";
for (const [baseURL, iss] of [[BASE, BASE], [undefined, other]]) {
  const call = await start("hs256", empty(), { baseURL });
  const { answer: { token: session } } = await call("sign-up/email", { body: alice });
  const { answer } = await call("token", { host: other, Authorization: `Bearer ${session}` });
  const claims = decodeJwt(answer.token);
  assert.deepEqual([claims.iss, claims.aud], [iss, iss]);
  assert.deepEqual(Object.keys(claims).sort(), ["aud", "exp", "iat", "iss", "sub", "uid"]);
  assert.equal(claims.exp - claims.iat, 15 * 60);
}

// A token that contains the whole user verifies the e-mail address; ours does not.
for (const [change, verified] of [[{}, false], [{ definePayload: undefined }, true]]) {
  const database = empty();
  const call = await start("hs256", database, { plugins: plugins("hs256", change) });
  const { cookie } = await call("sign-up/email", { body: alice });
  const { answer } = await call("token", { cookie });
  await call(`verify-email?token=${answer.token}`);
  assert.equal(database.user[0].emailVerified, verified);
  assert.equal("uid" in decodeJwt(answer.token), !verified);
}

// With the session cookie cache, Better Auth issues tokens even after the session ends.
for (const [enabled, status] of [[false, 401], [true, 200]]) {
  const database = empty();
  const call = await start("hs256", database, { session: { cookieCache: { enabled } } });
  const { cookie } = await call("sign-up/email", { body: alice });
  database.session.length = 0;
  assert.equal((await call("token", { cookie })).status, status);
}

// A server component that asks for a token of nobody gets an exception.
const { auth } = await import("./auth.mjs?jwks");
await assert.rejects(auth.api.getToken({ headers: new Headers() }), { status: "UNAUTHORIZED" });
