// How a page gets a token and calls an API with it: copy this into your frontend.
import { createAuthClient } from "better-auth/client";
import { jwtClient } from "better-auth/client/plugins";

// Better Auth is at the page's own origin; elsewhere, give its `baseURL`.
export const auth = createAuthClient({ plugins: [jwtClient()] });

// Of whoever is signed in. In memory only: what is stored, any script can read later.
let token;

const freshToken = async () => {
  const { data, error } = await auth.token();
  if (error) throw new Error(`there is no token: ${error.status}`);
  return (token = data.token);
};

// The same user's token must not serve the next one.
export const forgetToken = () => (token = undefined);

// `fetch` with the token. One that has expired is replaced, and the request sent again.
export const call = async (url, options = {}) => {
  const send = (token) =>
    fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });

  const response = await send(token ?? (await freshToken()));
  if (response.status !== 401) return response;
  const problem = await response.clone().json().catch(() => undefined);
  return problem?.code === "token_expired" ? send(await freshToken()) : response;
};
