// A page in a headless Chromium, the system's own: nothing is downloaded.
import { chromium } from "playwright-core";

// Debian's package puts it there.
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

// No name but that of this machine leads anywhere. (Requests are not intercepted:
// playwright would then answer preflights itself, and allow everything.)
const offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

// Runs `visit(page)`. Fails as well on an error on the page or in its console that
// `isExpected(text)` does not know, and on a request to anywhere but `origins`. What
// the page looks like in the end is kept in the file `screenshot`, whether it went
// well or not.
export const withPage = async ({ origins, screenshot, isExpected = () => false }, visit) => {
  // Root, as CI often is, has no sandbox to use.
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
    // What went wrong on the page comes first: it may be why.
    faults.push(error.stack);
  } finally {
    await page.screenshot({ path: screenshot, fullPage: true });
    await browser.close();
  }
  if (faults.length > 0) throw new Error(`the page has failed:\n${faults.join("\n")}`);
};
