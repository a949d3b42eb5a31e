// The Better Auth configuration: copy this file into your own Better Auth and
// replace what is marked TEST ONLY. It can mint tokens in two ways, `hs256` and
// `jwks` below; keep the one you use.
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { bearer, jwt } from "better-auth/plugins";
import { SignJWT } from "jose";

// Better Auth itself only warns about a short secret, and outside production an
// unset one silently becomes a default that everybody knows. Anyone who can
// guess the secret can be any user, so none of these may start a server.
const secret = process.env.BETTER_AUTH_SECRET;
if (!secret) throw new Error("BETTER_AUTH_SECRET is not set");
if (secret === "better-auth-secret-12345678901234567890")
  throw new Error("BETTER_AUTH_SECRET is Better Auth's public default; make one of your own");
if (Buffer.byteLength(secret) < 32)
  throw new Error("BETTER_AUTH_SECRET is shorter than 32 bytes");

// Without a base URL, `iss` and `aud` follow the Host header of the request:
// the caller would choose them.
const baseURL = process.env.BETTER_AUTH_URL;
if (!baseURL) throw new Error("BETTER_AUTH_URL is not set");

// Only the user's id goes into a token. Left out, the payload would be the whole
// user, and every API that sees a token would see the user's data. With the
// shared secret it is worse: the payload then has `email` at the top level, and
// Better Auth's own /verify-email accepts such a token as proof of that address.
const definePayload = ({ user }) => ({ uid: user.id });

// HS256 with a shared secret. The same raw secret also signs Better Auth's
// cookies and e-mail links, and whatever can sign with it can mint access tokens
// that no API can tell from real ones. Two ways to be rid of that whole class of
// problems: use `jwks`, or a secret that is used for nothing else. For the latter
// set BETTER_AUTH_SECRETS="1:<another secret>" as well: Better Auth then uses that
// one for itself, and BETTER_AUTH_SECRET signs these tokens only.
const hs256 = {
  // `sign` requires both settings, but nothing fetches the URL and no such key is
  // made. With them /api/auth/jwks answers 404: there is no public key to give.
  jwks: { remoteUrl: "https://unused.invalid/jwks", keyPairConfig: { alg: "EdDSA" } },
  jwt: {
    definePayload,
    // The plugin has no HS256 of its own; this callback is the supported way.
    // The plugins for OAuth name another `typ` in the header, which tells their
    // access tokens from ID tokens.
    sign: (payload, header) =>
      new SignJWT(payload)
        .setProtectedHeader({ typ: "JWT", ...header, alg: "HS256" })
        // The key is the raw UTF-8 bytes of the secret: not trimmed, and not
        // decoded even if it looks like base64 or hex. Both sides must agree.
        .sign(new TextEncoder().encode(secret)),
  },
};

// The plugin's own way: a key pair, with the public half at /api/auth/jwks. The
// APIs that check tokens hold nothing that could mint one.
const jwks = {
  jwks: { keyPairConfig: { alg: process.env.ISSUER_JWKS_ALG ?? "EdDSA" } },
  jwt: { definePayload },
};

export const auth = betterAuth({
  baseURL,
  // TEST ONLY: everything is forgotten when the server stops. Yours: a real database.
  database: memoryAdapter({ user: [], session: [], account: [], verification: [], jwks: [] }),
  // TEST ONLY: a test suite signs up many users at once. In production leave this
  // line out: rate limiting is on there by default, and passwords need it.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  emailAndPassword: { enabled: true },
  plugins: [
    jwt(process.env.ISSUER_MODE === "jwks" ? jwks : hs256),
    // For clients without cookies: /api/auth/token then also takes
    // `Authorization: Bearer <session token>`.
    bearer(),
  ],
});
