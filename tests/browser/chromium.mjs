// A page in a headless Chromium, the system's own: nothing is downloaded.
import { chromium } from "playwright-core";

// Debian's package puts it there.
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

// Runs `visit(page)`. Fails as well on an error on the page or in its console that
// `isExpected(text)` does not know, and on a request to anywhere but `origins`: that
// one is stopped. What the page looks like in the end is kept in the file
// `screenshot`, whether it went well or not.
export const withPage = async ({ origins, screenshot, isExpected = () => false }, visit) => {
  // Root, as CI often is, has no sandbox to use.
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  page.setDefaultTimeout(20_000);

  const faults = [];
  const fault = (text) => isExpected(text) || faults.push(text);
  page.on("pageerror", (error) => fault(`error on the page: ${error}`));
  page.on("console", (message) => message.type() === "error" && fault(message.text()));
  await page.route(
    (url) => url.protocol.startsWith("http") && !origins.includes(url.origin),
    (route) => {
      faults.push(`a request to ${route.request().url()}`);
      return route.abort();
    },
  );

  try {
    await visit(page);
  } finally {
    await page.screenshot({ path: screenshot, fullPage: true });
    await browser.close();
  }
  if (faults.length > 0) throw new Error(`the page has failed:\n${faults.join("\n")}`);
};
