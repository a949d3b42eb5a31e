// Uses the Next.js application of docs/better-auth.md as a person would, and as callers would
// who may not: `PAGE` serves it, and passes what is not its own on to the API.
import { strict as assert } from "node:assert";
import { withPage } from "./chromium.mjs";

const { PAGE, SCREENSHOT } = process.env;

await withPage({ origins: [PAGE], screenshot: SCREENSHOT }, async (page) => {
  await page.goto(PAGE);
  await page.getByPlaceholder("e-mail").fill("alice@example.com");
  await page.getByPlaceholder("password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Sign up" }).click();

  // The client component sends the task, and the server component then lists it.
  await page.getByPlaceholder("title").fill("milk");
  const [sent] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === "POST"),
    page.getByRole("button", { name: "Add" }).click(),
  ]);
  assert.equal(sent.status(), 201);
  await page.getByRole("listitem").filter({ hasText: "milk" }).waitFor();

  const { pathname } = new URL(sent.url());
  const { token } = await (await page.request.get(`${PAGE}/api/auth/token`)).json();
  const get = async (path, headers = {}) => {
    const response = await page.request.get(`${PAGE}${path}`, { headers });
    return [response.status(), (await response.json()).code];
  };
  const Authorization = `Bearer ${token}`;
  assert.deepEqual(await get(pathname, { Authorization }), [200, undefined]);
  assert.deepEqual(await get("/api/bob/tasks", { Authorization }), [403, "not_owner"]);
  assert.deepEqual(await get(pathname), [401, "token_missing"]);
});
