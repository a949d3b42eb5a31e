import { jwtClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/react";

export const authClient = createAuthClient({ plugins: [jwtClient()] });

// The signed-in user's token. In memory only: any script could read it from storage later.
let token: string | undefined;

const freshToken = async () => {
  const { data, error } = await authClient.token();
  if (error) throw new Error(`there is no token: ${error.status}`);
  return (token = data.token);
};

// Call this at sign-out: one user's token must not serve the next user.
export const forgetToken = () => (token = undefined);

// Like `fetch`, with the token. An expired token is replaced, and the request sent again.
export const call = async (url: string, options: RequestInit = {}) => {
  const send = (token: string) => {
    const headers = new Headers(options.headers);
    headers.set("Authorization", `Bearer ${token}`);
    return fetch(url, { ...options, headers });
  };

  const response = await send(token ?? (await freshToken()));
  if (response.status !== 401) return response;
  const problem = await response.clone().json().catch(() => undefined);
  return problem?.code === "token_expired" ? send(await freshToken()) : response;
};
