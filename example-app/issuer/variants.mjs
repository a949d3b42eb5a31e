// TEST ONLY, not to be copied: auth.mjs with features and plugins switched on that a
// user of Better Auth may have switched on. Some mint other tokens under the same
// secret, the others give the access token another shape. They are derived from
// auth.mjs, so that what is tested is what is copied.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { betterAuth } from "better-auth";
import { createAuthMiddleware } from "better-auth/api";
import { memoryAdapter } from "better-auth/adapters/memory";
import { getAuthTables } from "better-auth/db";
import { bearer, jwt } from "better-auth/plugins";
import { SignJWT } from "jose";
import { auth as copied } from "./auth.mjs";
import { createMachineClient, oauthPlugins, sharedSecretKeys } from "./oauth.mjs";
import { organizationPlugins, payloadWithRoles } from "./organizations.mjs";

// What would have been mailed, for a test to read.
export const outbox = [];
const mail = (purpose) => async ({ user, token }) => {
  outbox.push({ purpose, email: user.email, token });
};

const cookieCache = (strategy) => ({ session: { cookieCache: { enabled: true, strategy } } });
const ids = (generateId) => ({ advanced: { database: { generateId } } });
const uid = ({ user }) => ({ uid: user.id });

// Each word of ISSUER_VARIANT, and what it changes: the options of Better Auth, and
// those of its JWT plugin.
const variants = {
  mail: () => ({
    options: {
      emailVerification: {
        sendVerificationEmail: mail("verification"),
        sendOnSignUp: true,
      },
      emailAndPassword: {
        ...copied.options.emailAndPassword,
        sendResetPassword: mail("password reset"),
      },
      user: {
        changeEmail: { enabled: true, sendChangeEmailConfirmation: mail("change of e-mail") },
        deleteUser: { enabled: true, sendDeleteAccountVerification: mail("deletion of the account") },
      },
    },
  }),
  "cookie-jwt": () => ({ options: cookieCache("jwt") }),
  "cookie-jwe": () => ({ options: cookieCache("jwe") }),
  "cookie-compact": () => ({ options: cookieCache("compact") }),
  "cookie-jwks": () => ({ options: cookieCache("jwt"), plugin: { sessionCookieCache: true } }),
  "whole-user": () => ({ payload: undefined }),
  "aud-array": (url) => ({ claims: { audience: ["https://other.example", url] } }),
  "no-typ": () => ({ header: { alg: "HS256" } }),
  fractional: () => ({ payload: (session) => ({ ...uid(session), iat: Date.now() / 1000 }) }),
  "no-iat": () => ({ payload: (session) => ({ ...uid(session), iat: undefined }) }),
  uuid: () => ({ options: ids("uuid") }),
  serial: () => ({ options: ids("serial") }),
  "short-lived": () => ({
    claims: { expirationTime: `${process.env.ISSUER_LIFETIME_SECONDS ?? 3}s` },
  }),
  rotating: () => ({
    plugin: {
      jwks: {
        ...given.jwks,
        rotationInterval: Number(process.env.ISSUER_ROTATION_SECONDS ?? 1),
        // How long an old key is still published; Better Auth's own default is 30 days.
        gracePeriod: Number(process.env.ISSUER_GRACE_SECONDS ?? 30 * 24 * 3600),
      },
    },
  }),
  // Written before each answer, so that nothing that was answered is forgotten by a server
  // that is killed.
  lasting: () => ({ options: { hooks: { after: createAuthMiddleware(async () => save()) } } }),
};

// Each word of ISSUER_PLUGIN: the plugins that are added, and what changes with them.
const plugins = {
  "oauth-provider": () => oauth("oauth-provider"),
  mcp: () => oauth("mcp"),
  organization: () => ({
    plugins: organizationPlugins(),
    payload: payloadWithRoles(() => auth),
    options: { databaseHooks: { user: { create: { before: makeAdmin } } } },
  }),
};

const oauth = (name) => ({
  plugins: oauthPlugins[name](),
  plugin: process.env.ISSUER_MODE === "jwks" ? {} : { jwks: sharedSecretKeys(given.jwks) },
});

// The first administrator has to come from somewhere; `/admin/set-role` makes others.
const makeAdmin = async (user) =>
  user.email === "admin@example.com" ? { data: { ...user, role: "admin" } } : undefined;

const chosen = (variable, known) => {
  const names = process.env[variable] ? process.env[variable].split(",") : [];
  if (names.some((name) => !Object.hasOwn(known, name)))
    throw new Error(`${variable} must be of: ${Object.keys(known).join(", ")}`);
  if (names.includes("mcp") && names.includes("oauth-provider"))
    throw new Error(`${variable} may have one of: mcp, oauth-provider`);
  return names.map((name) => known[name](copied.options.baseURL));
};

const given = copied.options.plugins.find((plugin) => plugin.id === "jwt").options;
const options = { ...copied.options, plugins: [] };
const jwtOptions = { ...given, jwt: { ...given.jwt } };
for (const change of [...chosen("ISSUER_PLUGIN", plugins), ...chosen("ISSUER_VARIANT", variants)]) {
  Object.assign(options, change.options);
  Object.assign(jwtOptions, change.plugin);
  Object.assign(jwtOptions.jwt, change.claims);
  if ("payload" in change) jwtOptions.jwt.definePayload = change.payload;
  if (change.header) jwtOptions.jwt.sign = withHeader(change.header);
  options.plugins.push(...(change.plugins ?? []));
}
options.plugins.unshift(jwt(jwtOptions), bearer());
const tables = Object.values(getAuthTables(options));
const rows = { ...Object.fromEntries(tables.map(({ modelName }) => [modelName, []])), ...saved() };
options.database = memoryAdapter(rows);

function saved() {
  const file = process.env.ISSUER_DATABASE;
  const isDate = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
  const read = (_, value) => (isDate.test(value) ? new Date(value) : value);
  return file && existsSync(file) ? JSON.parse(readFileSync(file, "utf8"), read) : {};
}

// A file that is moved into place is whole, whenever the server is killed.
function save() {
  const file = process.env.ISSUER_DATABASE;
  writeFileSync(`${file}.new`, JSON.stringify(rows));
  renameSync(`${file}.new`, file);
}

function withHeader(header) {
  const key = new TextEncoder().encode(process.env.BETTER_AUTH_SECRET);
  return (payload) => new SignJWT(payload).setProtectedHeader(header).sign(key);
}

export const auth = betterAuth(options);

// What server.mjs serves beside Better Auth, where there are clients.
export const machineClient =
  "adminCreateOAuthClient" in auth.api ? (headers) => createMachineClient(auth, headers) : undefined;
