// Runs the page's part of docs/streaming.md in a browser: a stream by `fetch`, and a WebSocket
// whose first message is the token. `API` serves both and the page, and sends news to `USER`
// and to `OTHER` all the time. Tokens from `ISSUER` are valid for three seconds.
import { strict as assert } from "node:assert";
import { withPage } from "./chromium.mjs";

const { API, ISSUER, USER, OTHER, SESSION, SCREENSHOT } = process.env;

// How much later than a token its stream may end on a busy machine: less than the leeway.
const SLACK = 20_000;

const freshToken = async () => {
  const response = await fetch(`${ISSUER}/api/auth/token`, {
    headers: { Authorization: `Bearer ${SESSION}` },
  });
  return (await response.json()).token;
};
const expiry = (token) => JSON.parse(atob(token.split(".")[1])).exp * 1000;

// The browser logs refusals.
const isExpected = (text) => /^Failed to load resource: .* status of 40[13] /.test(text);

// In the page: follows the news until `count` connections have ended. Returns what came by
// each, and when it ended.
const inTurn = (page, kind, count) =>
  page.evaluate(
    async ([kind, user, count]) => {
      const { follow, connect } = await import("/streaming.mjs");
      const leave = new AbortController();
      const [turns, sockets] = [[], []];
      const freshToken = async () => {
        const token = await globalThis.freshToken();
        // Called anew only after the connection before has ended.
        if (turns.length === count) leave.abort();
        else turns.push({ token, news: [] });
        return token;
      };
      const onNews = (text) => {
        const turn = turns.at(-1);
        turn.news.push(text);
        turn.last = Date.now();
      };
      if (kind === "stream") {
        await follow(`/api/${user}/events`, freshToken, onNews, leave.signal);
      } else {
        const onOpen = (socket) => {
          sockets.push(socket);
          socket.addEventListener("close", ({ code, reason, wasClean }) =>
            Object.assign(turns[sockets.indexOf(socket)], { code, reason, wasClean, end: Date.now() }),
          );
          socket.send(`sent ${sockets.length}`);
        };
        const url = new URL("/api/socket", location.href);
        await connect(url, freshToken, { onOpen, onMessage: onNews }, leave.signal);
      }
      return turns;
    },
    [kind, USER, count],
  );

const checkTurns = (kind, turns, count) => {
  assert.equal(turns.length, count);
  assert.equal(new Set(turns.map(({ token }) => token)).size, count, "a token was used twice");
  for (const { token, news, last } of turns) {
    // It goes on as long as the token, and no longer: there are news all the time.
    const late = last - expiry(token);
    assert.ok(late > -1_000, `the ${kind} ended ${-late} ms before its token`);
    assert.ok(late < SLACK, `the ${kind} ended ${late} ms after its token`);
    assert.ok(news.length > 10, `only ${news.length} by the ${kind}`);
    for (const text of news)
      assert.match(text, /^(alice's \d+\nin two lines|sent \d)$/, `another user's: ${text}`);
  }
};

await withPage({ origins: [API], screenshot: SCREENSHOT, isExpected }, async (page) => {
  await page.exposeFunction("freshToken", freshToken);
  await page.goto(API);

  const streams = await inTurn(page, "stream", 2);
  checkTurns("stream", streams, 2);
  console.log(`two streams: ${streams.map(({ news }) => news.length).join(" and ")} events`);

  const sockets = await inTurn(page, "socket", 2);
  checkTurns("socket", sockets, 2);
  for (const [index, { token, news, last, code, reason, wasClean, end }] of sockets.entries()) {
    assert.deepEqual([code, reason, wasClean], [1008, "token_expired", true]);
    const late = end - expiry(token);
    assert.ok(late >= 0 && late < SLACK, `the socket was closed ${late} ms after its token`);
    assert.ok(last <= end, "a message came from a socket that nobody counted");
    assert.ok(news.includes(`sent ${index + 1}`), "a message did not come back");
  }
  console.log(`two sockets: ${sockets.map(({ news }) => news.length).join(" and ")} messages`);

  // By the document's code: another user's stream, and tokens that are none.
  const refusal = (kind, token) =>
    page.evaluate(
      async ([kind, token, other]) => {
        const { follow, connect } = await import("/streaming.mjs");
        const freshToken = async () => token ?? globalThis.freshToken();
        const onNews = (text) => {
          throw new Error(`not refused: ${text}`);
        };
        const url = new URL(kind === "stream" ? `/api/${other}/events` : "/api/socket", location.href);
        const run =
          kind === "stream" ? follow(url, freshToken, onNews) : connect(url, freshToken, { onMessage: onNews });
        return run.then(
          () => "not refused",
          (error) => error.message,
        );
      },
      [kind, token, OTHER],
    );
  const [input, signature] = /(.*\.)([^.]*)/.exec(await freshToken()).slice(1);
  const forged = `${input}${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
  assert.equal(await refusal("stream"), "refused: 403");
  assert.equal(await refusal("stream", forged), "refused: 401");
  assert.equal(await refusal("stream", "no token"), "refused: 401");
  assert.equal(await refusal("socket", forged), "refused: token_invalid");
  assert.equal(await refusal("socket", "no token"), "refused: token_invalid");
  // Better Auth's own session token is no JWT.
  assert.equal(await refusal("socket", SESSION), "refused: token_invalid");

  // A token in the query opens nothing, and a socket that says nothing is closed in time.
  const token = await freshToken();
  const queried = await page.evaluate(
    ([user, token]) => fetch(`/api/${user}/events?access_token=${token}`).then(({ status }) => status),
    [USER, token],
  );
  assert.equal(queried, 401);
  const silent = await page.evaluate(
    (token) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`/api/socket?access_token=${token}`);
        socket.onmessage = ({ data }) => resolve(data);
        socket.onclose = ({ code, reason }) => resolve([code, reason]);
      }),
    token,
  );
  assert.deepEqual(silent, [1008, "token_missing"]);
  console.log("every refusal was correct");
});
