// Opens a page in the system's Chromium, headless. Downloads nothing.
import { chromium } from "playwright-core";

// Debian's package installs it there.
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

// Resolves no host but this machine. (Intercepting requests would do, too, but then
// playwright answers preflights itself, and allows everything.)
const offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";

// Runs `visit(page)`. Also fails on any error on the page or in its console, unless
// `isExpected(text)` accepts it, and on any request to an origin not in `origins`.
// Always saves the final state of the page to the file `screenshot`.
export const withPage = async ({ origins, screenshot, isExpected = () => false }, visit) => {
  // Chromium has no sandbox when it runs as root, as it often does in CI.
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", offline] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  page.setDefaultTimeout(20_000);

  const faults = [];
  const fault = (text) => isExpected(text) || faults.push(text);
  page.on("pageerror", (error) => fault(`error on the page: ${error}`));
  page.on("console", (message) => message.type() === "error" && fault(message.text()));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && !origins.includes(origin))
      faults.push(`a request to ${request.url()}`);
  });

  try {
    await visit(page);
  } catch (error) {
    // Errors on the page come first: they may be the cause.
    faults.push(error.stack);
  } finally {
    await page.screenshot({ path: screenshot, fullPage: true });
    await browser.close();
  }
  if (faults.length > 0) throw new Error(`the page failed:\n${faults.join("\n")}`);
};
