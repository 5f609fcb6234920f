import { createServer } from "node:http";
import { once } from "node:events";
import { connect } from "../support/call.ts";
import { expect, test } from "../support/fixtures.ts";

test("A47 script that is written into the page does not run", async ({ person }) => {
  const page = await person();
  const blocked: string[] = [];
  page.on("console", (m) => /Content Security Policy|Trusted|requires/i.test(m.text()) && blocked.push(m.text()));
  await page.goto("/");
  const ran = await page.evaluate(async () => {
    const tried: string[] = [];
    const attempt = (name: string, f: () => void) => {
      try {
        f();
      } catch {
        tried.push(name);
      }
    };
    attempt("inline", () => {
      const s = document.createElement("script");
      s.append(document.createTextNode("globalThis.pwned = 1"));
      document.head.append(s);
    });
    attempt("html", () => (document.body.innerHTML += "<img src=x onerror='globalThis.pwned=1'>"));
    attempt("foreign", () =>
      document.head.append(Object.assign(document.createElement("script"), { src: "https://elsewhere.example/x.js" })),
    );
    attempt("handler", () => {
      const b = document.createElement("button");
      b.setAttribute("onclick", "globalThis.pwned = 1");
      document.body.append(b);
      b.click();
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    return "pwned" in globalThis;
  });
  expect(ran).toBe(false);
  expect(blocked.length).toBeGreaterThan(0);
});

test("A48 the secret of a link is in no request, header, frame, log or history", async ({ person, server }) => {
  const [host, guest] = [await person(), await person()];
  const seen: string[] = [];
  for (const page of [host, guest]) {
    page.on("request", (r) => seen.push(r.url(), JSON.stringify(r.headers()), r.postData() ?? ""));
    page.on("websocket", (ws) => {
      seen.push(ws.url());
      ws.on("framesent", ({ payload }) =>
        seen.push(typeof payload === "string" ? payload : payload.toString("latin1")),
      );
    });
  }
  let link = "";
  guest.on("request", (r) => r.isNavigationRequest() && (link ||= r.url()));
  const { hash } = new URL(await connectAndLink(host, guest));
  const secret = hash.slice(2);
  expect(secret.length).toBeGreaterThan(60);
  const raw = Buffer.from(secret, "base64url").subarray(2, 34).toString("latin1");
  const everything = [...seen, server.log()].join("\n");
  expect(everything).not.toContain(secret.slice(4, 44));
  expect(everything).not.toContain(raw);
  for (const page of [host, guest]) {
    const kept = await page.evaluate(() =>
      [location.href, JSON.stringify(history.state), document.referrer].join("\n"),
    );
    expect(kept).not.toContain(secret.slice(4, 44));
  }
});

async function connectAndLink(...[host, guest]: Parameters<typeof connect>): Promise<string> {
  let link = "";
  const go = guest.goto.bind(guest);
  guest.goto = (url, options) => {
    link = url;
    return go(url, options);
  };
  await connect(host, guest);
  return link;
}

test("A49 another site can neither frame the page nor keep a hand on it", async ({ person, server }) => {
  const page = await person();
  const site = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(
      `<iframe src="${server.url}/"></iframe><button onclick="w = window.open('${server.url}/')">open</button>`,
    );
  }).listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = site.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const refused = page.waitForEvent("console", (m) =>
    /frame-ancestors|Refused to (frame|display)|refused to connect/i.test(m.text()),
  );
  await page.goto(`http://127.0.0.1:${address.port}/`);
  await refused;
  // What it opens is out of its reach at once: to the opener it is closed (Cross-Origin-Opener-Policy), and the other
  // way round there is no opener.
  const opened = page.context().waitForEvent("page");
  await page.getByRole("button", { name: "open" }).click();
  await expect.poll(() => page.evaluate(() => (globalThis as unknown as { w: Window }).w.closed)).toBe(true);
  const popup = await opened;
  await popup.waitForURL(`${server.url}/`);
  expect(await popup.evaluate(() => window.opener as unknown)).toBe(null);
  site.close();
});
