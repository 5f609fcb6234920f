import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { checkCode, grouped } from "./codecheck.ts";

const origin = "https://call.example";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function server(files: Record<string, string>): typeof fetch {
  return ((address: string) => {
    const body = files[address.replace(`${origin}/`, "/")];
    return Promise.resolve(body === undefined ? new Response(null, { status: 404 }) : new Response(body));
  }) as typeof fetch;
}

const listed = JSON.stringify({
  version: "1",
  files: [
    { path: "assets/a.js", size: 1, sha256: sha256("a") },
    { path: "assets/b.js", size: 1, sha256: sha256("b") },
  ],
});
const loaded = [`${origin}/assets/a.js`, `${origin}/assets/b.js`, `${origin}/assets/a.js#part`, `${origin}/`, "data:x"];

test("the page's files are compared with the list, whose hash names the build", async () => {
  const files = { "/bundle.json": listed, "/assets/a.js": "a", "/assets/b.js": "b" };
  const check = await checkCode(loaded, origin, server(files));
  expect(check).toEqual({ digest: sha256(listed), checked: 2, differing: 0 });
});

test("a file with other bytes, and one that is not listed, are counted", async () => {
  const files = { "/bundle.json": listed, "/assets/a.js": "a!", "/assets/b.js": "b", "/assets/c.js": "c" };
  const check = await checkCode([...loaded, `${origin}/assets/c.js`], origin, server(files));
  expect(check).toMatchObject({ checked: 3, differing: 2 });
});

test("without a list there is no answer", async () => {
  await expect(checkCode(loaded, origin, server({}))).rejects.toThrow("404");
  await expect(checkCode(loaded, origin, server({ "/bundle.json": "{}" }))).rejects.toThrow("list of files");
});

test("a digest is shown in groups", () => expect(grouped("0123456789")).toBe("0123 4567 89"));
