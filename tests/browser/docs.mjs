// Tries the example app's routes on its page, as a newcomer would: authorizes with a
// token of alice's, then requests her tasks, bob's, and hers again without the token.
import assert from "node:assert/strict";
import { withPage } from "./chromium.mjs";

const { PAGE, TOKEN, SCREENSHOT } = process.env;
const { origin } = new URL(PAGE);

// The browser logs every refusal to its console.
const isExpected = (text) => /^Failed to load resource: .* status of 40[13] /.test(text);

await withPage({ origins: [origin], screenshot: SCREENSHOT, isExpected }, async (page) => {
  await page.goto(PAGE);
  assert.equal(page.url(), `${origin}/docs/`);

  const dialog = page.locator(".modal-ux");
  const openDialog = () => page.getByRole("button", { name: "Authorize", exact: true }).click();
  const closeDialog = async () => {
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await dialog.waitFor({ state: "detached" });
  };

  await openDialog();
  await dialog.getByRole("textbox").fill(TOKEN);
  await dialog.getByRole("button", { name: "Apply credentials" }).click();
  await closeDialog();

  const list = page.locator("#operations-tasks-list");
  await list.getByRole("button", { name: "GET" }).first().click();
  await list.getByRole("button", { name: "Try it out" }).click();

  // The part of the page that shows the answer.
  const answer = list.locator(".live-responses-table");
  const execute = async (user) => {
    if (await answer.isVisible()) {
      await list.getByRole("button", { name: "Clear" }).click();
      await answer.waitFor({ state: "detached" });
    }
    await list.getByPlaceholder("user_id").fill(user);
    await list.getByRole("button", { name: "Execute" }).click();
    await answer.waitFor();
    const status = await answer.locator("tbody .response-col_status").first().innerText();
    const body = await answer.locator(".highlight-code code").first().innerText();
    console.log(`GET /api/${user}/tasks: ${status} ${body.replace(/\s+/g, " ")}`);
    return [Number.parseInt(status), JSON.parse(body)];
  };

  assert.deepEqual(await execute("alice"), [200, []]);
  const [forbidden, problem] = await execute("bob");
  assert.deepEqual([forbidden, problem.status, problem.code], [403, 403, "not_owner"]);

  await openDialog();
  await dialog.getByRole("button", { name: "Remove authorization" }).click();
  await closeDialog();
  const [unauthorized, { code }] = await execute("alice");
  assert.deepEqual([unauthorized, code], [401, "token_missing"]);
});
