// Gets one token of every kind from a running issuer, as a program and its users would,
// and prints them as one JSON object. See README.md.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { Browser, form, json, kinds } from "./issuers.mjs";

const usage = `usage: node tokens.mjs <issuer's URL> --kind better-auth|mcp|oidc-provider
  [--scope "openid offline_access tasks:read tasks:write", or what the API's 401 names]
  [--resource https://api.example.com] [--other-resource https://other.example.com]
  [--api <a URL of the API, for mcp>] [--impersonate]`;

process.on("uncaughtException", (error) => {
  console.error(`tokens: ${error.message}${error.cause ? `: ${error.cause.message}` : ""}`);
  process.exit(1);
});

const redirectUri = "http://127.0.0.1/callback"; // Never fetched.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
const identityScopes = ["openid", "offline_access", "profile", "email"];

const options = () => {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        kind: { type: "string" },
        scope: { type: "string" },
        resource: { type: "string" },
        "other-resource": { type: "string", default: "https://other.example.com" },
        api: { type: "string" },
        impersonate: { type: "boolean", default: false },
      },
    });
    if (positionals.length !== 1 || !Object.hasOwn(kinds, values.kind ?? "")) throw new Error(usage);
    return { ...values, url: new URL(positionals[0]).origin };
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
};

const { url, kind, api, impersonate, ...given } = options();
const issuer = new kinds[kind](url);
const metadata = await issuer.discover(api);
// A client asks for what the API names, as MCP has it.
const scope = given.scope ?? metadata.scope ?? "openid offline_access tasks:read tasks:write";
const resource = given.resource ?? metadata.resource ?? "https://api.example.com";
const otherResource = given["other-resource"];

const client = await new Browser().post(metadata.registration_endpoint, {
  client_name: "a program",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token", deviceGrant].filter((grant) =>
    metadata.grant_types_supported.includes(grant),
  ),
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  application_type: "native",
});
const { client_id } = client;

// Walks through authorization, code and PKCE, and returns what the token endpoint says.
const authorize = async (user, target, proof) => {
  const verifier = randomBytes(32).toString("base64url");
  const state = randomUUID();
  const request = new URL(metadata.authorization_endpoint);
  request.search = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: redirectUri,
    scope,
    state,
    nonce: randomUUID(),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...target,
  });

  let page = request;
  for (let step = 0; !page.href.startsWith(redirectUri); step += 1) {
    if (step === 10) throw new Error(`${page} goes on and on`);
    const response = await user.browser.fetch(page);
    page = new URL((await redirected(response)) ?? (await issuer.pass(page, user)), page);
  }
  const answer = page.searchParams;
  if (answer.has("error")) throw new Error(`${answer.get("error")}: ${answer.get("error_description")}`);
  if (answer.get("state") !== state) throw new Error("the issuer lost the state");

  const fields = {
    grant_type: "authorization_code",
    client_id,
    code: answer.get("code"),
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...target,
  };
  return form(metadata.token_endpoint, fields, proof);
};

// Better Auth redirects a script by JSON, and a browser by a header.
const redirected = async (response) => {
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return isJson ? (await json(response)).url : response.headers.get("location");
};

const refresh = (refresh_token) =>
  form(metadata.token_endpoint, { grant_type: "refresh_token", client_id, refresh_token, resource });

// A token request that is signed with a fresh key binds the token to that key.
const dpopProof = async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const claims = { htm: "POST", htu: metadata.token_endpoint, jti: randomUUID() };
  const header = { alg: "ES256", typ: "dpop+jwt", jwk: await exportJWK(publicKey) };
  return { DPoP: await new SignJWT(claims).setProtectedHeader(header).setIssuedAt().sign(privateKey) };
};

const deviceToken = async (user) => {
  if (!client.grant_types.includes(deviceGrant)) return undefined;
  const device_code = await issuer.device({ client_id, scope, resource }, user);
  const fields = { grant_type: deviceGrant, client_id, device_code };
  return (await form(metadata.token_endpoint, fields)).access_token;
};

const tokensOf = async (user) => {
  const first = await authorize(user, { resource });
  const refreshed = first.refresh_token && (await refresh(first.refresh_token));
  return {
    uid: user.uid,
    access: first.access_token,
    access_other_resource: (await authorize(user, { resource: otherResource })).access_token,
    id: first.id_token,
    opaque: (await authorize(user, {})).access_token,
    refreshed: refreshed?.access_token,
    refresh_token: refreshed?.refresh_token ?? first.refresh_token,
    dpop: (await authorize(user, { resource }, await dpopProof())).access_token,
    device: await deviceToken(user),
    session: await issuer.session(user),
  };
};

const machineToken = async (user) => {
  const machine = await issuer.machineClient(user, metadata);
  const credentials = Buffer.from(`${machine.client_id}:${machine.client_secret}`).toString("base64");
  const apiScope = scope.split(" ").filter((word) => !identityScopes.includes(word)).join(" ");
  const fields = { grant_type: "client_credentials", resource, ...(apiScope && { scope: apiScope }) };
  const answer = await form(metadata.token_endpoint, fields, { Authorization: `Basic ${credentials}` });
  return { uid: machine.client_id, access: answer.access_token };
};

const impersonated = async (user) => {
  const admin = await issuer.impersonate(user);
  const { access_token } = await authorize(admin, { resource });
  return { uid: user.uid, session: await issuer.session(admin), access: access_token };
};

const [alice, bob] = [await issuer.user("alice"), await issuer.user("bob")];
const tokens = {
  issuer: metadata.issuer,
  jwks_uri: metadata.jwks_uri,
  token_endpoint: metadata.token_endpoint,
  resource,
  scope,
  client_id,
  alice: await tokensOf(alice),
  bob: await tokensOf(bob),
  machine: await machineToken(alice),
  impersonated: impersonate ? await impersonated(alice) : undefined,
};
console.log(JSON.stringify(tokens, null, 2));
