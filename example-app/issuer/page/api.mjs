// How a page gets a token and calls an API with it: copy this into your frontend.
import { createAuthClient } from "better-auth/client";
import { jwtClient } from "better-auth/client/plugins";

// If Better Auth is at another origin than the page, pass its `baseURL`.
export const auth = createAuthClient({ plugins: [jwtClient()] });

// The signed-in user's token. In memory only: any script could read it from storage later.
let token;

const freshToken = async () => {
  const { data, error } = await auth.token();
  if (error) throw new Error(`there is no token: ${error.status}`);
  return (token = data.token);
};

// Call this at sign-out: one user's token must not serve the next user.
export const forgetToken = () => (token = undefined);

// Like `fetch`, with the token. An expired token is replaced, and the request sent again.
export const call = async (url, options = {}) => {
  const send = (token) =>
    fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });

  const response = await send(token ?? (await freshToken()));
  if (response.status !== 401) return response;
  const problem = await response.clone().json().catch(() => undefined);
  return problem?.code === "token_expired" ? send(await freshToken()) : response;
};
