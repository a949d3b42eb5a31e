// TEST ONLY: serves the page that tries it all out, and, to that page, Better Auth's
// own client. Yours is part of your frontend.
import { readFile } from "node:fs/promises";

const types = { html: "text/html; charset=utf-8", js: "text/javascript", mjs: "text/javascript" };

// Nothing but pages and scripts. The path of a URL has no dots left that lead upwards.
const servable = /^\/(?:page|node_modules)\/[\w@./-]+\.(html|m?js)$/;

// Whether there was something to answer.
export const servePage = async (request, response, api) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/settings.json") {
    response.setHeader("Content-Type", "application/json").end(JSON.stringify({ api }));
    return true;
  }
  const path = pathname === "/" ? "/page/index.html" : pathname;
  const type = types[path.match(servable)?.[1]];
  const file = type && (await readFile(new URL(`.${path}`, import.meta.url)).catch(() => undefined));
  if (file) response.setHeader("Content-Type", type).end(file);
  return file !== undefined;
};
