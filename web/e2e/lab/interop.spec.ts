import { spawn } from "node:child_process";
import { once } from "node:events";
import { binary } from "../support/build.ts";
import { expectLive, expectPicture, knock } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";
import { received } from "./stats.ts";

/** `visavis` on a machine of the lab; its lines of JSON once it has ended. */
async function terminal(namespace: string, cert: string, ...args: string[]): Promise<Record<string, unknown>[]> {
  const inside = ["ip", "netns", "exec", namespace, binary(), ...args];
  const child = spawn(inside[0] ?? "", inside.slice(1), {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, SSL_CERT_FILE: cert },
  });
  let out = "";
  child.stdout.on("data", (b: Buffer) => (out += b.toString()));
  await once(child, "close");
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const lines = [
  { name: "every fifth packet is lost", link: "loss=20%", path: "direct", seconds: "40s", long: true },
  { name: "packets have 1200 bytes at most", link: "family=4 mtu=1200", path: "direct", long: true },
  { name: "there is IPv6 only", link: "family=6", path: "direct" },
  { name: "the link allows the relay only", link: "", path: "relayed", flags: ["--relay-only"] },
] as const;

/** Not all of them each time: the rest with the attacks. */
const cases = lines.filter((line) => !("long" in line) || process.env["VISAVIS_ATTACKS"]);

/** On a bad line TCP and DTLS take their time, and Chromium's SCTP repeats a lost cookie after 1, 3, 7, 15 and 31 s. */
const patience = { timeout: 60_000 };

for (const { name, link, path, ...more } of cases) {
  test.describe(name, () => {
    test.use({ serverLink: link.includes("family") ? link : "" });

    test(`A85 a terminal and a browser, ${name}: proven, and both have picture and sound`, async ({ lab, person }) => {
      const page = await person("browser", { link });
      const { namespace = "" } = await lab.do(`node kiosk ${link}`);
      const { url = "", cert = "" } = await lab.do("server url");
      const flags = "flags" in more ? more.flags : [];
      const duration = "seconds" in more ? more.seconds : "10s";
      const [links] = await terminal(namespace, cert, "new", "--json", "--server", url, ...flags);
      const { host, guest } = links as { host: string; guest: string };
      const call = terminal(namespace, cert, "call", host, "--json", "--admit", "first", "--duration", duration);
      await knock(page, guest);
      await expectLive(page, patience);
      await expectPicture(page, patience);
      expect((await received(page)).path).toMatch(path === "relayed" ? /^relay/ : /^(host|srflx|prflx)/);
      const last = (await call).at(-1);
      expect(last).toMatchObject({ type: "ended", path });
      expect(last?.["video_frames_received"]).toBeGreaterThan(30);
      expect(last?.["audio_packets_received"]).toBeGreaterThan(100);
    });
  });
}
