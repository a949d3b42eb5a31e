// OAuth beside auth.mjs: access tokens for other people's programs. Copy the settings and
// one of the two plugins into your own Better Auth, and leave out what is marked TEST ONLY.
// `oauthDeviceAuthorization()` is for programs on devices without a browser.
import { mcp } from "@better-auth/mcp";
import { oauthDeviceAuthorization, oauthProvider } from "@better-auth/oauth-provider";

// The API, as tokens name it: `aud` holds exactly these bytes.
const resource = process.env.ISSUER_RESOURCE ?? "https://api.example.com";

// TEST ONLY: a second API, whose tokens the first one must refuse.
const otherResource = "https://other.example.com";

const lifetime = Number(process.env.ISSUER_ACCESS_TOKEN_SECONDS ?? 3600);
if (!(Number.isInteger(lifetime) && lifetime > 0))
  throw new Error("ISSUER_ACCESS_TOKEN_SECONDS must be a whole number above 0");

const settings = {
  loginPage: "/page/login.html",
  consentPage: "/page/consent.html",
  scopes: ["openid", "profile", "email", "offline_access", "tasks:read", "tasks:write"],
  resources: [resource, otherResource],
  clientRegistrationDefaultResources: [resource, otherResource],
  // TEST ONLY: any program may register itself, as clients of the MCP kind do. Such a
  // client, too, gets tokens for the user who consents.
  allowDynamicClientRegistration: true,
  allowUnauthenticatedClientRegistration: true,
  // TEST ONLY: whoever is signed in may create clients. Without this option nobody can
  // give scopes to a machine.
  clientPrivileges: () => true,
  accessTokenExpiresIn: lifetime,
  m2mAccessTokenExpiresIn: lifetime,
};

// `mcp()` is `oauthProvider()`, and also serves the metadata by which a client that knows
// only the API finds this server.
export const oauthPlugins = {
  "oauth-provider": () => [oauthProvider(settings), oauthDeviceAuthorization()],
  mcp: () => [mcp({ ...settings, resource }), oauthDeviceAuthorization()],
};

// With a shared secret, the plugins must know the algorithm of `sign`, or every request for
// an ID token ends with status 500. TypeScript needs a cast here: the types have no HS256.
export const sharedSecretKeys = (jwks) => ({ ...jwks, keyPairConfig: { alg: "HS256" } });

// TEST ONLY: a client that acts for itself. Better Auth has no HTTP endpoint that gives
// scopes to one, so server.mjs calls this for `POST /machine-client`.
export const createMachineClient = async (auth, headers) => {
  const client = await auth.api.adminCreateOAuthClient({
    headers,
    body: {
      client_name: "machine",
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "client_secret_basic",
      client_credentials_scopes: ["tasks:read", "tasks:write"],
    },
  });
  const { client_id, client_secret } = client;
  return { client_id, client_secret };
};
