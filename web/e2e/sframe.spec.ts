import type { Page } from "@playwright/test";
import { connect, enterAsHost, expectPicture, loudness } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

/** What the tests hold in their hands: the workers and connections of a page. */
interface Inside {
  workers: Worker[];
  connections: RTCPeerConnection[];
}

/** Keeps hold of the workers and connections that the page makes. */
async function inside(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const kept: Inside = { workers: [], connections: [] };
    (globalThis as unknown as { inside: Inside }).inside = kept;
    globalThis.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        kept.workers.push(this);
      }
    };
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        kept.connections.push(this);
      }
    };
  });
}

const alarm = (page: Page) => page.getByRole("alert").filter({ hasText: "could not be verified" });
const picture = (page: Page) =>
  page
    .locator("video[aria-label^='Picture of']")
    .evaluateAll(
      (videos: HTMLVideoElement[]) =>
        videos.flatMap((v) => (v.srcObject instanceof MediaStream ? v.srcObject.getVideoTracks() : [])).length,
    );

async function expectPostQuantum(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Direct|^Relayed/ }).click();
  await expect(page.getByText("end-to-end encrypted, post-quantum.")).toBeVisible();
  await page.keyboard.press("Escape");
}

test("picture and sound are encrypted twice, and both sides say so", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  for (const page of [host, guest]) {
    await expectPicture(page);
    expect(await loudness(page)).toBeGreaterThan(0.01);
    await expectPostQuantum(page);
    await expect(alarm(page)).toHaveCount(0);
  }
});

test("A33: a browser that cannot is told from one that can; where it is demanded nobody without gets in", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person()];
  await guest.addInitScript(() => Reflect.deleteProperty(globalThis, "RTCRtpScriptTransform"));
  await connect(host, guest);
  await expectPicture(host);
  await expectPicture(guest);
  await host.getByRole("button", { name: /^Direct|^Relayed/ }).click();
  await expect(host.getByText("but not post-quantum")).toBeVisible();
  await expect(host.getByText("end-to-end encrypted, post-quantum.")).toHaveCount(0);

  const strict = await person();
  await strict.goto("/new");
  await strict.getByRole("switch", { name: "Require post-quantum encryption" }).click();
  await strict.getByRole("button", { name: "Create the link" }).click();
  const link = await strict.getByLabel("Link for your guest").inputValue();
  await strict.getByRole("button", { name: "Open the lobby" }).click();
  await enterAsHost(strict);
  await inside(guest);
  await guest.goto("/");
  await guest.goto(link);
  await expect(guest.getByText("This call requires something that this browser cannot do.").first()).toBeVisible();
  const connected = await guest.evaluate(() =>
    (globalThis as unknown as { inside: Inside }).inside.connections.some((c) => c.connectionState === "connected"),
  );
  expect(connected).toBe(false);
});

test("A35 and A36: frames in clear are an alarm on both sides, and are not shown", async ({ person }) => {
  // Somebody at the guest's computer puts another transform in place of ours, which our policy would not let a page do.
  const [host, guest] = [await person(), await person({ bypassCSP: true })];
  await inside(guest);
  await connect(host, guest);
  await expectPicture(host);
  await guest.evaluate(() => {
    const pass = "onrtctransform = ({ transformer: t }) => t.readable.pipeTo(t.writable)";
    const worker = new Worker(URL.createObjectURL(new Blob([pass], { type: "text/javascript" })));
    const { connections } = (globalThis as unknown as { inside: Inside }).inside;
    for (const c of connections)
      for (const sender of c.getSenders()) sender.transform = new RTCRtpScriptTransform(worker);
  });
  await Promise.all([expect(alarm(guest)).toBeVisible(), expect(alarm(host)).toBeVisible()]);
  await expect.poll(() => picture(host)).toBe(0);
});

test("A39: a worker that dies takes its keys with it; fresh ones bring the picture back", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await inside(guest);
  await connect(host, guest);
  await expectPicture(host);
  // The picture is away for as long as fresh keys take, which may be less than a test takes to look.
  const away = guest.evaluate(async () => {
    const video = document.querySelector<HTMLVideoElement>("video[aria-label^='Picture of']");
    const tracks = () => (video?.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks().length : -1);
    const { workers } = (globalThis as unknown as { inside: Inside }).inside;
    const before = workers.length;
    workers.at(-1)?.terminate();
    while (tracks() !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return workers.length - before;
  });
  expect(await away, "workers in place of the dead one").toBe(1);
  await expect.poll(() => picture(guest), { timeout: 25_000 }).toBeGreaterThan(0);
  await Promise.all([expectPicture(host), expectPicture(guest)]);
  await expectPostQuantum(guest);
});
