// Serves auth.mjs over plain HTTP on 127.0.0.1, for trying things out and for tests.
import { createServer } from "node:http";
import { servePage } from "./page.mjs";

const fail = (message) => {
  console.error(`issuer: ${message}`);
  process.exit(1);
};

// Read first of all: a parent that ends while we start is then noticed below.
const parent = process.ppid;

// Messages never repeat a variable's value: a secret may be in the wrong one.
const oneOf = (name, allowed) => {
  if (!allowed.includes((process.env[name] ??= allowed[0])))
    fail(`${name} must be one of: ${allowed.join(", ")}`);
};
oneOf("ISSUER_MODE", ["hs256", "jwks"]);
oneOf("ISSUER_JWKS_ALG", [
  ...["EdDSA", "ES256", "ES384", "ES512"],
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
]);

process.env.BETTER_AUTH_URL ??= "http://127.0.0.1:3000";
const given = process.env.BETTER_AUTH_URL;
const url = URL.canParse(given) ? new URL(given) : null;
// Port 0 (any free port) cannot work: `iss` is made of this URL.
if (url?.protocol !== "http:" || url.port === "0")
  fail("BETTER_AUTH_URL must be an http URL with a fixed port, like http://127.0.0.1:3000");
const port = Number(url.port || 80);
const api = process.env.ISSUER_API ?? "http://127.0.0.1:8000";
if (!URL.canParse(api)) fail("ISSUER_API must be the URL of an API, like http://127.0.0.1:8000");

// Better Auth lets this variable win over `telemetry: { enabled: false }`.
delete process.env.BETTER_AUTH_TELEMETRY;

// Imported only now: auth.mjs reads the variables set above, and what it refuses
// is reported as one line.
let handler, outbox, machineClient;
try {
  const { fromNodeHeaders, toNodeHandler } = await import("better-auth/node");
  // TEST ONLY: what variants.mjs says of itself.
  const varied = process.env.ISSUER_VARIANT || process.env.ISSUER_PLUGIN;
  const configuration = await import(varied ? "./variants.mjs" : "./auth.mjs");
  outbox = configuration.outbox;
  const { machineClient: create } = configuration;
  machineClient = create && (({ headers }) => create(fromNodeHeaders(headers)));
  await configuration.auth.$context;
  handler = toNodeHandler(configuration.auth);
} catch (error) {
  fail(error.code === "ERR_MODULE_NOT_FOUND" ? "packages are missing; run `npm ci`" : error.message);
}

const serve = async (request, response) => {
  if (outbox && request.url === "/outbox") return response.end(JSON.stringify(outbox));
  if (machineClient && request.method === "POST" && request.url === "/machine-client")
    return response.end(JSON.stringify(await machineClient(request)));
  if (request.method === "GET" && (await servePage(request, response, api))) return;
  await handler(request, response);
};
const server = createServer((request, response) => {
  // A request that cannot even be parsed (a bad Host, say) must not end the server.
  serve(request, response).catch(() => {
    if (!response.headersSent) response.statusCode = 400;
    response.end();
  });
});
server.on("error", ({ code }) =>
  fail(code === "EADDRINUSE" ? `port ${port} is in use` : `cannot listen on port ${port}: ${code}`),
);
server.listen(port, "127.0.0.1", () =>
  console.log(`issuer ready on ${url.origin}${url.pathname.replace(/\/+$/, "")}`),
);

// There is nothing to save: the database is in memory.
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));

// A test that is killed cannot stop us, so we watch: an orphan gets a new parent.
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 250).unref();
