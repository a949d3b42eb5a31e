// Makes the README's picture of the page `/docs`: starts the built example app, reads alice's
// list there with the token that the app prints, and saves what the page then shows.
// Run it with `npm run picture --prefix tests/browser` after `cargo build -p example-app`.
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const picture = `${root}auth-guard/docs/images/docs-page.png`;
const database = `${root}target/picture.sqlite`;

const environment = { PATH: process.env.PATH, EXAMPLE_APP_DATABASE: database };
const app = spawn(`${root}target/debug/example-app`, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
const after = (line, prefix) => (line.startsWith(prefix) ? line.slice(prefix.length) : undefined);

let token, list, browser;
try {
  for await (const line of createInterface({ input: app.stdout })) {
    token ??= after(line, "ALICE=");
    list ??= after(line, "TASKS=")?.replaceAll("'", "");
    if (line.startsWith("Rocket has launched")) break;
  }
  if (!token || !list) throw new Error("the example app prints no token");
  const headers = { Authorization: `Bearer ${token}` };
  await fetch(list, { method: "POST", headers, body: '{"title":"milk"}' });

  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1000, height: 1400 } });
  page.setDefaultTimeout(20_000);
  await page.goto(new URL("/docs/", list).href);

  const dialog = page.locator(".modal-ux");
  await page.getByRole("button", { name: "Authorize", exact: true }).click();
  await dialog.getByRole("textbox").fill(token);
  await dialog.getByRole("button", { name: "Apply credentials" }).click();
  await dialog.getByRole("button", { name: "Close" }).last().click();

  const operation = page.locator("#operations-tasks-list");
  await operation.getByRole("button", { name: "GET" }).first().click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByPlaceholder("user_id").fill("alice");
  await operation.getByRole("button", { name: "Execute" }).click();
  await operation.locator(".live-responses-table").waitFor();

  // From the name of the group of routes down to the tasks.
  const top = await page.locator("#operations-tag-tasks").boundingBox();
  const bottom = await operation.locator(".live-responses-table .highlight-code").first().boundingBox();
  const clip = { x: 0, y: top.y - 8, width: 1000, height: bottom.y + bottom.height - top.y + 16 };
  await page.screenshot({ path: picture, clip, fullPage: true });
  console.log(picture);
} finally {
  await browser?.close();
  app.kill();
  for (const suffix of ["", "-shm", "-wal"]) await rm(database + suffix, { force: true });
}
