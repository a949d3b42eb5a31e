// The page's part of docs/streaming.md: two ways to stay connected with short-lived tokens.
// `freshToken` is a function that gets a token, as in example-app/issuer/page/api.mjs.
// About a second, and not the same for all clients of a server that has been restarted.
const pause = () => new Promise((resolve) => setTimeout(resolve, 500 + 1_000 * Math.random()));

// Passes the data of each event to `onEvent`. A stream ends when its token does, and is
// then opened again with a fresh one. Throws if it is refused, or if there is no token.
export const follow = async (url, freshToken, onEvent, signal) => {
  for (; !signal?.aborted; await pause()) {
    const headers = { Authorization: `Bearer ${await freshToken()}` };
    const response = await fetch(url, { headers, signal }).catch(() => undefined);
    if (!response || response.status >= 500) continue;
    if (!response.ok) throw new Error(`refused: ${response.status}`);

    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const read = () => reader.read().catch(() => ({ done: true }));
    for (let part = await read(); !part.done; part = await read()) {
      const events = (text + part.value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const lines = event.split("\n").filter((line) => line.startsWith("data:"));
        if (lines.length > 0) onEvent(lines.map((line) => line.slice("data:".length)).join("\n"));
      }
    }
  }
};

// Keeps a WebSocket open, and calls `onOpen(socket)` for each new one and `onMessage(text)`
// for each message. Throws if it is refused, or if there is no token.
export const connect = async (url, freshToken, { onOpen, onMessage }, signal) => {
  for (; !signal?.aborted; await pause()) {
    const token = await freshToken();
    if (signal?.aborted) return;
    const { code, reason } = await new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.onopen = () => {
        socket.send(token);
        onOpen?.(socket);
      };
      socket.onmessage = ({ data }) => onMessage(data);
      socket.onclose = resolve;
      signal?.addEventListener("abort", () => socket.close(), { once: true });
    });
    // 1008 is a refusal. Only an expired token is worth a fresh one.
    if (code === 1008 && reason !== "token_expired") throw new Error(`refused: ${reason}`);
  }
};
