// A page that calls the API from another origin, with a token that Better Auth's own
// client gets for it. `PAGE` serves that page beside Better Auth, and is allowed;
// `STRANGER` serves the same page, and is not. Tokens of `PAGE` live three seconds.
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { withPage } from "./chromium.mjs";

const { API, PAGE, STRANGER, SCREENSHOT } = process.env;
const origins = [API, PAGE, STRANGER];

// A refusal is an error in the console, too; so is what CORS keeps from a page.
const isExpected = (text) =>
  /^Failed to load resource: (the server responded with a status of 40[13]|net::ERR_FAILED)/.test(text) ||
  (text.includes(`from origin '${STRANGER}' has been blocked by CORS policy`) && text.includes(API));

await withPage({ origins, screenshot: SCREENSHOT, isExpected }, async (page) => {
  const answers = [];
  page.on("response", (response) => {
    const request = response.request();
    if (request.url().startsWith(API)) answers.push(`${request.method()} ${response.status()}`);
  });
  const click = async (name) => {
    await page.getByRole("button", { name, exact: true }).click();
    await page.waitForFunction(() => document.querySelector("#answer").textContent !== "…");
    return (await page.locator("#answer").textContent()).split("\n");
  };
  const signUp = async (name) => {
    await page.getByPlaceholder("e-mail").fill(`${name}@example.com`);
    await page.getByPlaceholder("password").fill("correct horse battery staple");
    const [told] = await click("Sign up");
    assert.match(told, /^You are \w{32}$/);
    return told.slice("You are ".length);
  };

  await page.goto(PAGE);
  const alice = await signUp("alice");
  assert.deepEqual(await click("List the tasks"), ["200", "[]"]);

  await page.getByPlaceholder("title").fill("milk");
  const [created, location, task] = await click("Add a task");
  assert.equal(created, "201");
  assert.equal(location, `location: /api/${alice}/tasks/${JSON.parse(task).id}`);
  assert.deepEqual(await click("List the tasks"), ["200", `[${task}]`]);

  // Three seconds on, the API refuses the token; the page gets a fresh one by itself.
  await sleep(3_100);
  answers.length = 0;
  assert.deepEqual(await click("List the tasks"), ["200", `[${task}]`]);
  assert.deepEqual(answers, ["GET 401", "GET 200"]);

  const refusal = async (button) => {
    const [status, challenge, body] = await click(button);
    return [status, challenge, JSON.parse(body).code];
  };
  assert.deepEqual(await refusal("List them without a token"), [
    "401",
    'www-authenticate: Bearer realm="api"',
    "token_missing",
  ]);

  // A page whose origin is not allowed gets nothing to read, with a good token neither.
  const { token } = await page.evaluate(async () => (await fetch("/api/auth/token")).json());
  const reads = (path, headers) =>
    page.evaluate(
      ([url, headers]) =>
        fetch(url, { headers }).then(
          (response) => response.status,
          (error) => error.name,
        ),
      [API + path, headers],
    );
  const everything = async () => [
    await reads(`/api/${alice}/tasks`, { Authorization: `Bearer ${token}` }),
    await reads(`/api/${alice}/tasks`, {}),
    await reads("/health", {}),
  ];
  assert.deepEqual(await everything(), [200, 401, 200]);
  await page.goto(STRANGER);
  assert.deepEqual(await everything(), ["TypeError", "TypeError", "TypeError"]);

  // Somebody else's path.
  await page.goto(PAGE);
  await click("Sign out");
  const bob = await signUp("bob");
  assert.notEqual(bob, alice);
  await page.getByPlaceholder("user id").fill(alice);
  const [status, challenge, code] = await refusal("List the tasks");
  assert.deepEqual([status, code], ["403", "not_owner"]);
  assert.match(challenge, /^www-authenticate: Bearer realm="api", error="insufficient_scope"/);
});
console.log("a page of another origin: every answer as it must be");
