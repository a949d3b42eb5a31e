// Issuers as their users and clients meet them: how each is discovered, how a user signs in
// and consents there, and how a machine becomes a client.

const password = "correct horse battery staple";

// An issuer that hangs must not keep a test waiting.
const send = (url, options) => fetch(url, { signal: AbortSignal.timeout(10_000), ...options });

// What a browser does: keeps cookies, and says which page a request comes from.
export class Browser {
  #cookies = new Map();

  async fetch(url, { headers, ...options } = {}) {
    const response = await send(url, {
      ...options,
      redirect: "manual",
      headers: {
        ...headers,
        Origin: new URL(url).origin,
        Cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      },
    });
    for (const field of response.headers.getSetCookie()) {
      const [, name, value] = field.match(/^([^=]+)=([^;]*)/);
      if (value) this.#cookies.set(name, value);
      else this.#cookies.delete(name);
    }
    return response;
  }

  // Sends JSON, and returns the answer's.
  async post(url, body) {
    const headers = { "Content-Type": "application/json" };
    return json(await this.fetch(url, { method: "POST", headers, body: JSON.stringify(body) }));
  }
}

export const json = async (response) => {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
};
const get = async (url) => json(await send(url));

export const form = (url, fields, headers = {}) =>
  send(url, { method: "POST", headers, body: new URLSearchParams(fields) }).then(json);

// Better Auth: users have passwords, and confirm once what a program may do.
class BetterAuth {
  constructor(url) {
    this.url = url;
  }

  async discover() {
    return get(`${this.url}/api/auth/.well-known/openid-configuration`);
  }

  // Nobody is signed in yet: the first authorization leads to the page for it.
  async user(name) {
    const email = `${name}@example.com`;
    const account = { name, email, password };
    const elsewhere = new Browser();
    // Fails if the user is known from an earlier run.
    await elsewhere.post(`${this.url}/api/auth/sign-up/email`, account).catch(() => {});
    const { user } = await elsewhere.post(`${this.url}/api/auth/sign-in/email`, { email, password });
    return { browser: new Browser(), uid: user.id, email };
  }

  async session({ browser }) {
    const { token } = await json(await browser.fetch(`${this.url}/api/auth/token`));
    return token;
  }

  // Does what the user does on a page. The answer is where to go next.
  async pass(page, { browser, email }) {
    const [path, body] = {
      "/page/login.html": ["sign-in/email", { email, password }],
      "/page/consent.html": ["oauth2/consent", { accept: true }],
    }[page.pathname];
    const request = { ...body, oauth_query: page.search.slice(1) };
    return (await browser.post(`${this.url}/api/auth/${path}`, request)).url;
  }

  async machineClient({ browser }) {
    return browser.post(`${this.url}/machine-client`, {});
  }

  async impersonate(user) {
    const { browser, email } = await this.user("admin");
    await browser.post(`${this.url}/api/auth/sign-in/email`, { email, password });
    await browser.post(`${this.url}/api/auth/admin/impersonate-user`, { userId: user.uid });
    return { browser, uid: user.uid };
  }

  async device(request, { browser }) {
    const { url } = this;
    const device = await form(`${url}/api/auth/device/code`, request);
    const code = encodeURIComponent(device.user_code);
    await browser.fetch(`${url}/api/auth/device?user_code=${code}`).then(json);
    await browser.post(`${url}/api/auth/device/approve`, { userCode: device.user_code });
    return device.device_code;
  }
}

// MCP: the metadata of the API name its authorization server. A client that knows only the
// API is told by its refusal where they are, and which scope to ask for.
class Mcp extends BetterAuth {
  async discover(api) {
    const known = { address: `${this.url}/.well-known/oauth-protected-resource` };
    const { address, scope } = api ? await challenged(api) : known;
    const { resource, authorization_servers } = await get(address);
    const issuer = new URL(authorization_servers[0]);
    this.url = issuer.origin;
    const path = `/.well-known/oauth-authorization-server${issuer.pathname.replace(/\/$/, "")}`;
    return { ...(await get(new URL(path, issuer))), resource, scope };
  }
}

const challenged = async (api) => {
  const { status, headers } = await send(api);
  const challenge = headers.get("www-authenticate") ?? "";
  const named = (name) => challenge.match(new RegExp(`\\b${name}="([^"]+)"`))?.[1];
  const address = named("resource_metadata");
  if (status !== 401 || !address) throw new Error(`${api} answered ${status} and named no metadata`);
  return { address, scope: named("scope") };
};

// oidc-provider.mjs: naming a user is all there is.
class OidcProvider {
  constructor(url) {
    this.url = url;
  }

  async discover() {
    return get(`${this.url}/.well-known/openid-configuration`);
  }

  async user(name) {
    return { browser: new Browser(), uid: name };
  }

  async session() {
    return undefined;
  }

  async pass(page, { browser, uid }) {
    const body = new URLSearchParams({ login: uid });
    const response = await browser.fetch(page, { method: "POST", body });
    return response.headers.get("location");
  }

  async machineClient(_user, { registration_endpoint }) {
    return new Browser().post(registration_endpoint, {
      client_name: "machine",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    });
  }
}

export const kinds = { "better-auth": BetterAuth, mcp: Mcp, "oidc-provider": OidcProvider };
