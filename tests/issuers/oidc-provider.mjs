// An OpenID provider that is not Better Auth, on a free port of 127.0.0.1: npm's
// oidc-provider, with access tokens for two resources. Whoever names a user is that user.
import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import { Provider, errors, interactionPolicy } from "oidc-provider";

const fail = (message) => {
  console.error(`oidc-provider: ${message}`);
  process.exit(1);
};

// Read first of all: a parent that ends while we start is then noticed below.
const parent = process.ppid;

const algorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA"],
];
const alg = process.env.OIDC_ALG ?? "RS256";
if (!algorithms.includes(alg)) fail(`OIDC_ALG must be one of: ${algorithms.join(", ")}`);
const port = Number(process.env.OIDC_PORT ?? 0);
if (!(Number.isInteger(port) && port >= 0 && port <= 65535)) fail("OIDC_PORT must be a port, or 0 for a free one");
const lifetime = Number(process.env.OIDC_ACCESS_TOKEN_SECONDS ?? 3600);
if (!(Number.isInteger(lifetime) && lifetime > 0)) fail("OIDC_ACCESS_TOKEN_SECONDS must be a whole number above 0");

const resource = process.env.OIDC_RESOURCE ?? "https://api.example.com";
const resources = [resource, "https://other.example.com"];
const scope = "tasks:read tasks:write";

const { privateKey } = await generateKeyPair(alg, { extractable: true });
const key = { ...(await exportJWK(privateKey)), use: "sig" };
// Without `alg` the set leaves the algorithm to the reader, as Entra's does.
if (process.env.OIDC_NO_ALG !== "1") key.alg = alg;

// One page asks for the user, and naming one is the consent, too.
const policy = interactionPolicy.base();
policy.remove("consent");

const configuration = {
  jwks: { keys: [key] },
  enabledJWA: { idTokenSigningAlgValues: algorithms },
  clientDefaults: { id_token_signed_response_alg: alg },
  claims: { openid: ["sub"], email: ["email"], profile: ["name"] },
  scopes: ["openid", "offline_access", "email", "profile"],
  findAccount: (_context, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, name: accountId, email: `${accountId}@example.com` }),
  }),
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // A token request that names no resource gets an opaque token.
      defaultResource: () => undefined,
      useGrantedResource: () => false,
      getResourceServerInfo: (_context, indicator) => {
        if (!resources.includes(indicator)) throw new errors.InvalidTarget();
        return {
          scope,
          audience: indicator,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg } },
        };
      },
    },
  },
  ttl: {
    AccessToken: lifetime,
    ClientCredentials: lifetime,
    Grant: 3600,
    IdToken: 3600,
    Interaction: 3600,
    RefreshToken: 3600,
    Session: 3600,
  },
  interactions: { policy, url: (_context, { uid }) => `/interaction/${uid}` },
  issueRefreshToken: (_context, client) => client.grantTypeAllowed("refresh_token"),
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
    grant.addOIDCScope("openid offline_access email profile");
    for (const indicator of resources) grant.addResourceScope(indicator, scope);
    await grant.save();
    return grant;
  },
};

const loginPage = (uid) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sign in</title>
<form method="post" action="/interaction/${uid}">
  <input name="login" placeholder="user" required>
  <button>Sign in</button>
</form>
</html>`;

const body = async (request) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
};

const server = createServer();
server.on("error", ({ code }) => fail(`cannot listen on port ${port}: ${code}`));
server.listen(port, "127.0.0.1", () => {
  // The issuer's name holds the port, so it can be made only now.
  const url = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(url, configuration);
  const answer = provider.callback();

  const serve = async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return answer(request, response);
    const { uid } = await provider.interactionDetails(request, response);
    if (request.method !== "POST")
      return response.setHeader("Content-Type", "text/html; charset=utf-8").end(loginPage(uid));
    const accountId = (await body(request)).get("login");
    if (!accountId) throw new Error("no user is named");
    await provider.interactionFinished(request, response, { login: { accountId } });
  };
  server.on("request", (request, response) => {
    serve(request, response).catch((error) => {
      if (!response.headersSent) response.statusCode = 400;
      response.end(error.message);
    });
  });
  console.log(`issuer ready on ${url}`);
});

// There is nothing to save: everything is in memory.
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));

// A test that is killed cannot stop us, so we watch: an orphan gets a new parent.
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 250).unref();
