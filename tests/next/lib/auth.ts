import { betterAuth } from "better-auth";
import { nextCookies } from "better-auth/next-js";
import { jwt } from "better-auth/plugins";
import Database from "better-sqlite3";

export const auth = betterAuth({
  baseURL: process.env.BETTER_AUTH_URL,
  database: new Database("auth.sqlite"),
  emailAndPassword: { enabled: true },
  plugins: [
    // What a token says: who it is for, and nothing else.
    jwt({ jwt: { definePayload: ({ user }) => ({ uid: user.id }) } }),
    nextCookies(), // the last plugin
  ],
});
