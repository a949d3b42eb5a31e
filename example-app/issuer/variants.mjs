// TEST ONLY, not to be copied: auth.mjs with features switched on that a user of
// Better Auth may have switched on. Some make other tokens under the same secret,
// the others give the access token another shape. They are derived from auth.mjs,
// so that what is tested is what is copied.
import { betterAuth } from "better-auth";
import { bearer, jwt } from "better-auth/plugins";
import { SignJWT } from "jose";
import { auth as copied } from "./auth.mjs";

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
  "short-lived": () => ({ claims: { expirationTime: "3s" } }),
  rotating: () => ({ plugin: { jwks: { ...given.jwks, rotationInterval: 1 } } }),
};

const names = process.env.ISSUER_VARIANT.split(",");
const unknown = names.find((name) => !(name in variants));
if (unknown !== undefined)
  throw new Error(`ISSUER_VARIANT must be of: ${Object.keys(variants).join(", ")}`);

const given = copied.options.plugins.find((plugin) => plugin.id === "jwt").options;
const options = { ...copied.options };
const plugin = { ...given, jwt: { ...given.jwt } };
for (const name of names) {
  const variant = variants[name](copied.options.baseURL);
  Object.assign(options, variant.options);
  Object.assign(plugin, variant.plugin);
  Object.assign(plugin.jwt, variant.claims);
  if ("payload" in variant) plugin.jwt.definePayload = variant.payload;
  if (variant.header) plugin.jwt.sign = withHeader(variant.header);
}
options.plugins = [jwt(plugin), bearer()];

function withHeader(header) {
  const key = new TextEncoder().encode(process.env.BETTER_AUTH_SECRET);
  return (payload) => new SignJWT(payload).setProtectedHeader(header).sign(key);
}

export const auth = betterAuth(options);
