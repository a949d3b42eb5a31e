// Calls the API from a page of another origin, with a token that Better Auth's own client
// gets. `PAGE` serves that page next to Better Auth, and is allowed; `STRANGER` serves the
// same page, and is not. Tokens from `PAGE` are valid for three seconds.
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { withPage } from "./chromium.mjs";

const { API, PAGE, STRANGER, SCREENSHOT } = process.env;
const origins = [API, PAGE, STRANGER];

// The browser logs refusals, and answers that CORS withholds, as errors.
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
    const [greeting] = await click("Sign up");
    assert.match(greeting, /^You are \w{32}$/);
    return greeting.slice("You are ".length);
  };

  await page.goto(PAGE);
  const alice = await signUp("alice");
  assert.deepEqual(await click("List the tasks"), ["200", "[]"]);

  await page.getByPlaceholder("title").fill("milk");
  const [created, location, task] = await click("Add a task");
  assert.equal(created, "201");
  assert.equal(location, `location: /api/${alice}/tasks/${JSON.parse(task).id}`);
  assert.deepEqual(await click("List the tasks"), ["200", `[${task}]`]);

  // After three seconds the API refuses the token, and the page fetches a new one.
  await sleep(3_100);
  answers.length = 0;
  assert.deepEqual(await click("List the tasks"), ["200", `[${task}]`]);
  assert.deepEqual(answers, ["GET 401", "GET 200"]);

  const refusal = async (button) => {
    const [status, ...rest] = await click(button);
    const { code } = JSON.parse(rest.pop());
    return [status, ...rest, code];
  };
  assert.deepEqual(await refusal("List them without a token"), [
    "401",
    'www-authenticate: Bearer realm="api", scope="tasks:read"',
    "token_missing",
  ]);

  // A page whose origin is not allowed can read nothing, even with a valid token.
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

  // Another user's path.
  await page.goto(PAGE);
  await click("Sign out");
  const bob = await signUp("bob");
  assert.notEqual(bob, alice);
  await page.getByPlaceholder("user id").fill(alice);
  // There is no challenge, because no other token would help.
  assert.deepEqual(await refusal("List the tasks"), ["403", "not_owner"]);
});
console.log("a page of another origin: every answer was correct");
