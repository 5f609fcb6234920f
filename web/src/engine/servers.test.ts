import { expect, test } from "vitest";
import { ownServers, Ration } from "./servers.ts";

const keeps = (origin: string, urls: string[]) => ownServers([{ urls }], origin).flatMap((s) => s.urls);

test.each([
  ["https://call.example", "stun:call.example:443"],
  ["https://call.example", "turn:CALL.example:443?transport=udp"],
  ["https://call.example:8443", "turns:call.example:8443?transport=tcp"],
  ["http://127.0.0.1:8080", "turn:127.0.0.1:8080?transport=tcp"],
  ["http://[::1]:8080", "stun:[::1]:8080"],
])("at %s, %s is used", (origin, url) => expect(keeps(origin, [url])).toEqual([url]));

test.each([
  "stun:other.example:443",
  "stun:call.example.other:443",
  "stun:xcall.example:443",
  "turn:169.254.169.254:80?transport=tcp",
  "turn:127.0.0.1:22?transport=tcp",
  "turn:call.example@other.example:3478",
  "stun:other.example#call.example",
  "http://call.example",
  "stun:",
  "stun:call.example:3478\n",
])("at https://call.example, %j is not", (url) => expect(keeps("https://call.example", [url])).toEqual([]));

test("credentials stay, servers without a URL go, and there are never many", () => {
  const many = Array.from({ length: 100 }, (_, i) => `stun:call.example:${i + 1}`);
  const turn = { urls: ["turn:call.example:1"], username: "u", credential: "c" };
  expect(ownServers([{ urls: ["stun:x:1"] }, turn], "https://call.example")).toEqual([turn]);
  expect(keeps("https://call.example", many)).toHaveLength(8);
});

test("credentials that come too fast are not taken", () => {
  const ration = new Ration();
  let taken = 0;
  for (let now = 0; now < 100_000; now += 10) if (ration.take(now)) taken++;
  expect(taken).toBeGreaterThanOrEqual(20);
  expect(taken).toBeLessThanOrEqual(24);
});
