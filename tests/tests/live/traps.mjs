// What docs/better-auth.md says of Better Auth itself, seen in it: the configuration to
// copy, in one process and on one database, so that settings can change under it. Run
// in example-app/issuer.
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

// A server with these variables, on this database.
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

// Better Auth fails loudly even where it is told not to log.
console.error = () => {};

// Another secret: sessions end, and private keys cannot be read. With the new one in
// BETTER_AUTH_SECRETS and the old one where it was, they can.
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
// With a secret of its own, Better Auth does not notice that the tokens' one changes.
const own = { BETTER_AUTH_SECRETS: `1:${SECRET}` };
assert.deepEqual(await statuses("hs256", { ...own, ...changed }), { session: "alive", token: 200, jwks: 404 });

// Without a base URL, whoever asks for a token says whose it is.
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

// A token with the whole user in it verifies its address; one of ours does not.
for (const [change, verified] of [[{}, false], [{ definePayload: undefined }, true]]) {
  const database = empty();
  const call = await start("hs256", database, { plugins: plugins("hs256", change) });
  const { cookie } = await call("sign-up/email", { body: alice });
  const { answer } = await call("token", { cookie });
  await call(`verify-email?token=${answer.token}`);
  assert.equal(database.user[0].emailVerified, verified);
  assert.equal("uid" in decodeJwt(answer.token), !verified);
}

// With the session cookie cache, tokens are still to be had after the session has ended.
for (const [enabled, status] of [[false, 401], [true, 200]]) {
  const database = empty();
  const call = await start("hs256", database, { session: { cookieCache: { enabled } } });
  const { cookie } = await call("sign-up/email", { body: alice });
  database.session.length = 0;
  assert.equal((await call("token", { cookie })).status, status);
}
