// The issuers mint what the notes of README.md say. `npm test` starts and ends them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createListener } from "node:net";
import { createInterface } from "node:readline";
import test from "node:test";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { Browser, form } from "./issuers.mjs";

const SECRET = "the live secret: 32 bytes or more of it";
const RESOURCE = "https://api.example.com";
const OTHER = "https://other.example.com";
const issuerDirectory = new URL("../../example-app/issuer/", import.meta.url);

const freePort = async () => {
  const listener = createListener().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  await new Promise((closed) => listener.close(closed));
  return port;
};

// Starts a server for the length of a test, and returns its URL.
const start = async (context, directory, script, settings) => {
  const env = { PATH: process.env.PATH, ...settings };
  const child = spawn("node", [script], { cwd: directory, env, stdio: ["ignore", "pipe", "ignore"] });
  context.after(() => child.kill());
  for await (const line of createInterface(child.stdout)) {
    const url = line.match(/^issuer ready on (.*)/)?.[1];
    if (url) return url;
  }
  throw new Error(`${script} did not start`);
};
const betterAuth = async (context, settings) =>
  start(context, issuerDirectory, "server.mjs", {
    BETTER_AUTH_SECRET: SECRET,
    BETTER_AUTH_URL: `http://127.0.0.1:${await freePort()}`,
    ...settings,
  });
const oidcProvider = (context, settings) => start(context, import.meta.dirname, "oidc-provider.mjs", settings);

const run = async (...options) => {
  const child = spawn("node", ["tokens.mjs", ...options], { cwd: import.meta.dirname });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (errors += data));
  const [status] = await once(child, "close");
  return { status, output, errors };
};
const tokens = async (...options) => {
  const { status, output, errors } = await run(...options);
  assert.equal(status, 0, errors);
  return JSON.parse(output);
};

const shape = async (token, key) => {
  const { payload, protectedHeader } = await jwtVerify(token, key);
  return { header: protectedHeader, claims: payload, names: Object.keys(payload).sort().join(" ") };
};
const isOpaque = (token) => assert.equal(token.split(".").length, 1);

// What holds of Better Auth's tokens, whichever plugin and algorithm.
const betterAuthMints = async (minted, key, { alg, typ }) => {
  const { issuer } = minted;
  const origin = new URL(issuer).origin;
  const userinfo = `${issuer}/oauth2/userinfo`;
  const access = "aud azp client_id exp iat iss jti scope sid sub";
  for (const user of [minted.alice, minted.bob]) {
    for (const [name, aud, names] of [
      ["access", [RESOURCE, userinfo], access],
      ["refreshed", [RESOURCE, userinfo], access],
      ["access_other_resource", [OTHER, userinfo], access],
      ["dpop", [RESOURCE, userinfo], access.replace("client_id", "client_id cnf")],
      ["device", [RESOURCE, userinfo], access.replace("sid ", "")],
    ]) {
      const token = await shape(user[name], key);
      assert.deepEqual([token.header.typ, token.header.alg], ["at+jwt", alg], name);
      assert.deepEqual(token.claims.aud, aud, name);
      assert.equal(token.names, names, name);
      assert.equal(token.claims.iss, issuer);
      assert.equal(token.claims.sub, user.uid);
      assert.equal(token.claims.azp, minted.client_id);
      assert.equal(token.claims.exp - token.claims.iat, 3600);
    }

    const id = await shape(user.id, key);
    assert.deepEqual([id.header.typ, id.header.alg], [typ, alg]);
    assert.equal(id.names, "acr at_hash aud auth_time exp iat iss nonce sub");
    assert.deepEqual([id.claims.iss, id.claims.aud, id.claims.sub], [issuer, minted.client_id, user.uid]);
    isOpaque(user.opaque);

    const session = await shape(user.session, key);
    assert.deepEqual([session.header.typ, session.header.alg], [typ, alg]);
    const { iss, aud, sub, uid, exp, iat } = session.claims;
    assert.deepEqual([iss, aud, sub, uid, exp - iat], [origin, origin, user.uid, user.uid, 900]);
  }

  const { claims, names, header } = await shape(minted.machine.access, key);
  assert.equal(header.typ, "at+jwt");
  assert.equal(names, "aud azp client_id exp iat iss jti scope sub");
  assert.deepEqual([claims.sub, claims.client_id, claims.azp], Array(3).fill(minted.machine.uid));
  assert.equal(claims.aud, RESOURCE);
};

for (const [plugin, kind, alg] of [
  ["oauth-provider", "better-auth", "EdDSA"],
  ["mcp", "mcp", "ES512"],
  ["mcp", "mcp", "PS512"],
])
  test(`Better Auth with ${plugin} and ${alg}`, async (context) => {
    const settings = { ISSUER_MODE: "jwks", ISSUER_JWKS_ALG: alg, ISSUER_PLUGIN: plugin };
    const url = await betterAuth(context, settings);
    const minted = await tokens(url, "--kind", kind);
    const key = createRemoteJWKSet(new URL(minted.jwks_uri));
    await betterAuthMints(minted, key, { alg, typ: undefined });
  });

// The callback `sign` passes the header on, or an access token would be a session token.
for (const [plugin, kind] of [["oauth-provider", "better-auth"], ["mcp", "mcp"]])
  test(`Better Auth with ${plugin} and a shared secret`, async (context) => {
    const url = await betterAuth(context, { ISSUER_PLUGIN: plugin });
    const minted = await tokens(url, "--kind", kind);
    await betterAuthMints(minted, new TextEncoder().encode(SECRET), { alg: "HS256", typ: "JWT" });
  });

test("without the scope openid, aud is a string and there is no ID token", async (context) => {
  const url = await betterAuth(context, { ISSUER_MODE: "jwks", ISSUER_PLUGIN: "oauth-provider" });
  const { alice } = await tokens(url, "--kind", "better-auth", "--scope", "tasks:read");
  const { aud, scope } = decodeJwt(alice.access);
  assert.deepEqual([aud, scope], [RESOURCE, "tasks:read"]);
  assert.deepEqual([alice.id, alice.refreshed], [undefined, undefined]);
  const openid = await tokens(url, "--kind", "better-auth", "--scope", "openid");
  assert.equal(decodeJwt(openid.bob.access).scope, "openid");
});

test("the resource and the lifetime are settings", async (context) => {
  const resource = "http://127.0.0.1:8000/mcp";
  const settings = { ISSUER_MODE: "jwks", ISSUER_RESOURCE: resource, ISSUER_ACCESS_TOKEN_SECONDS: "5" };
  const url = await betterAuth(context, { ...settings, ISSUER_PLUGIN: "mcp" });

  // A client that knows only the API is told of the metadata by its refusal.
  const api = createServer((_request, response) => {
    const metadata = `${url}/.well-known/oauth-protected-resource/mcp`;
    response.writeHead(401, { "WWW-Authenticate": `Bearer resource_metadata="${metadata}"` }).end();
  }).listen(0, "127.0.0.1");
  context.after(() => api.close());
  await once(api, "listening");
  const address = `http://127.0.0.1:${api.address().port}/api/me`;
  const { alice } = await tokens(address, "--kind", "mcp", "--api", address);
  const { aud, exp, iat } = decodeJwt(alice.access);
  assert.deepEqual([aud[0], exp - iat], [resource, 5]);
});

test("keys rotate while tokens are refreshed", { timeout: 60_000 }, async (context) => {
  const settings = { ISSUER_MODE: "jwks", ISSUER_PLUGIN: "oauth-provider", ISSUER_VARIANT: "rotating" };
  const url = await betterAuth(context, settings);
  const { alice, client_id, resource, token_endpoint } = await tokens(url, "--kind", "better-auth");
  let minted = { access_token: alice.refreshed, refresh_token: alice.refresh_token };
  const kid = () => decodeProtectedHeader(minted.access_token).kid;
  const first = kid();
  while (kid() === first) {
    const { refresh_token } = minted;
    minted = await form(token_endpoint, { grant_type: "refresh_token", client_id, refresh_token, resource });
  }
  assert.equal(decodeJwt(minted.access_token).sub, alice.uid);
});

test("organisations, roles and impersonation are in the session token only", async (context) => {
  const settings = { ISSUER_MODE: "jwks", ISSUER_PLUGIN: "oauth-provider,organization" };
  const url = await betterAuth(context, settings);
  const call = async (browser, path, body) => browser.post(`${url}/api/auth/${path}`, body);
  const password = "correct horse battery staple";
  const signUp = async (name) => {
    const browser = new Browser();
    const email = `${name}@example.com`;
    const { user } = await call(browser, "sign-up/email", { name, email, password });
    const token = async () => {
      const answer = await browser.fetch(`${url}/api/auth/token`);
      return answer.ok ? decodeJwt((await answer.json()).token) : answer.status;
    };
    return { browser, email, id: user.id, token };
  };
  const [alice, bob, admin] = [await signUp("alice"), await signUp("bob"), await signUp("admin")];

  // One founds an organisation, and invites another.
  const organization = await call(alice.browser, "organization/create", { name: "One", slug: "one" });
  const organizationId = organization.id;
  const invitation = { organizationId, email: bob.email, role: ["member", "admin"] };
  const { id: invitationId } = await call(alice.browser, "organization/invite-member", invitation);
  assert.deepEqual((await bob.token()).orgs, {});
  await call(bob.browser, "organization/accept-invitation", { invitationId });
  assert.deepEqual((await alice.token()).orgs, { [organizationId]: ["owner"] });
  assert.deepEqual((await bob.token()).orgs, { [organizationId]: ["member", "admin"] });

  // Who is removed has lost it with the next token, though it stays the active one.
  await call(alice.browser, "organization/remove-member", { organizationId, memberIdOrEmail: bob.email });
  assert.deepEqual((await bob.token()).orgs, {});

  // The first administrator makes others, and acts as a user.
  const names = "exp iat iss orgs roles sub uid aud".split(" ").sort();
  assert.deepEqual(Object.keys(await bob.token()).sort(), names);
  assert.deepEqual((await admin.token()).roles, ["admin"]);
  await call(admin.browser, "admin/set-role", { userId: bob.id, role: ["user", "admin"] });
  assert.deepEqual((await bob.token()).roles, ["user", "admin"]);
  await call(admin.browser, "admin/impersonate-user", { userId: alice.id });
  const acting = await admin.token();
  assert.deepEqual([acting.uid, acting.sub, acting.impersonatedBy], [alice.id, alice.id, admin.id]);
  assert.deepEqual(acting.orgs, { [organizationId]: ["owner"] });
  await call(admin.browser, "admin/stop-impersonating", {});
  assert.equal((await admin.token()).uid, admin.id);

  // An OAuth client's token says nothing of all that, and does not say who is acting.
  const { impersonated } = await tokens(url, "--kind", "better-auth", "--impersonate");
  assert.equal(decodeJwt(impersonated.session).impersonatedBy, admin.id);
  const known = "aud azp client_id exp iat iss jti scope sid sub";
  assert.equal(Object.keys(decodeJwt(impersonated.access)).sort().join(" "), known);

  // Who is banned gets no more tokens.
  await call(admin.browser, "admin/ban-user", { userId: bob.id });
  assert.equal(await bob.token(), 401);
});

for (const [alg, noAlg] of [["RS256"], ["RS256", "1"], ["ES512"], ["PS384"]])
  test(`oidc-provider with ${alg}${noAlg ? " and keys that do not name it" : ""}`, async (context) => {
    const url = await oidcProvider(context, { OIDC_ALG: alg, ...(noAlg && { OIDC_NO_ALG: noAlg }) });
    const minted = await tokens(url, "--kind", "oidc-provider");
    const { keys } = await (await fetch(minted.jwks_uri)).json();
    assert.deepEqual(keys.map((key) => key.alg), [noAlg ? undefined : alg]);
    const key = createRemoteJWKSet(new URL(minted.jwks_uri));

    const access = "aud client_id exp iat iss jti scope sub";
    for (const user of [minted.alice, minted.bob]) {
      for (const [name, aud, names] of [
        ["access", RESOURCE, access],
        ["refreshed", RESOURCE, access],
        ["access_other_resource", OTHER, access],
        ["dpop", RESOURCE, access.replace("client_id", "client_id cnf")],
      ]) {
        const token = await shape(user[name], key);
        assert.deepEqual([token.header.typ, token.header.alg], ["at+jwt", alg], name);
        assert.equal(token.names, names, name);
        const { iss, sub, scope } = token.claims;
        assert.deepEqual([iss, token.claims.aud, sub], [url, aud, user.uid], name);
        assert.equal(scope, "tasks:read tasks:write");
      }
      const id = await shape(user.id, key);
      assert.equal(id.header.typ, undefined);
      assert.equal(id.names, "aud exp iat iss nonce sub");
      assert.deepEqual([id.claims.aud, id.claims.sub], [minted.client_id, user.uid]);
      isOpaque(user.opaque);
    }
    const { claims } = await shape(minted.machine.access, key);
    assert.deepEqual([claims.sub, claims.client_id], Array(2).fill(minted.machine.uid));
  });

test("what cannot be done is said in one line", async (context) => {
  const port = await freePort();
  const refused = await run(`http://127.0.0.1:${port}`, "--kind", "oidc-provider");
  assert.equal(refused.status, 1);
  assert.match(refused.errors, /^tokens: .*ECONNREFUSED.*\n$/);
  assert.equal((await run("nonsense", "--kind", "other")).status, 2);
  for (const settings of [{ OIDC_ALG: "HS256" }, { OIDC_PORT: "x" }, { OIDC_ACCESS_TOKEN_SECONDS: "0" }])
    await assert.rejects(oidcProvider(context, settings), /did not start/);
  for (const settings of [{ ISSUER_PLUGIN: "other" }, { ISSUER_PLUGIN: "mcp", ISSUER_RESOURCE: "x" }])
    await assert.rejects(betterAuth(context, settings), /did not start/);
});
