import type { Page } from "@playwright/test";
import { connect, expectPicture, loudness } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

declare global {
  interface Window {
    /** Pulls the plug of the device that a track comes from, and puts it back. */
    socket: { unplug(kind: "audio" | "video"): void; plug(): void };
  }
}

/** The fake devices have no plug; this is one. */
async function withPlugs(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const { mediaDevices } = navigator;
    const enumerate = mediaDevices.enumerateDevices.bind(mediaDevices);
    const get = mediaDevices.getUserMedia.bind(mediaDevices);
    const tracks: MediaStreamTrack[] = [];
    let gone: string[] = [];
    mediaDevices.enumerateDevices = async () => (await enumerate()).filter((d) => !gone.includes(d.deviceId));
    mediaDevices.getUserMedia = async (wanted) => {
      if (gone.length > 0 && wanted?.video) throw new DOMException("Requested device not found", "NotFoundError");
      const spare = (await mediaDevices.enumerateDevices()).find((d) => d.kind === "audioinput");
      const stream = await get(gone.length > 0 && spare ? { audio: { deviceId: { exact: spare.deviceId } } } : wanted);
      tracks.push(...stream.getTracks());
      return stream;
    };
    window.socket = {
      unplug(kind) {
        const track = tracks.findLast((t) => t.kind === kind && t.readyState === "live");
        const id = track?.getSettings().deviceId;
        if (!track || !id) throw new Error("nothing to unplug");
        gone = kind === "audio" ? [id, "default"] : [id];
        track.stop();
        track.dispatchEvent(new Event("ended"));
        mediaDevices.dispatchEvent(new Event("devicechange"));
      },
      plug() {
        gone = [];
        mediaDevices.dispatchEvent(new Event("devicechange"));
      },
    };
  });
}

test("an unplugged microphone is replaced in the call, and taken again when it is back", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await withPlugs(host);
  await connect(host, guest);
  await host.evaluate(() => window.socket.unplug("audio"));
  await expect(host.getByText(/^Your microphone was unplugged\. Now in use: /)).toBeVisible();
  await expect(guest.getByText("Ada: microphone unplugged, another one is in use.")).toBeVisible();
  await expect.poll(() => loudness(guest)).toBeGreaterThan(0.05);
  await host.evaluate(() => window.socket.plug());
  await expect(host.getByText(/^Your device is back: /)).toBeVisible();
  await expect(guest.getByText("Ada: the microphone is back.")).toBeVisible();
  await expect.poll(() => loudness(guest)).toBeGreaterThan(0.05);
});

test("the only camera is unplugged: the other side sees a name, and the picture once it is back", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person()];
  await withPlugs(host);
  await connect(host, guest);
  await host.evaluate(() => window.socket.unplug("video"));
  await expect(host.getByText("Your camera was unplugged. They cannot see you.")).toBeVisible();
  await expect(guest.getByText("Ada: camera unplugged", { exact: true })).toBeVisible();
  await host.evaluate(() => window.socket.plug());
  await expect(host.getByText(/^Your device is back: /)).toBeVisible();
  await expectPicture(guest);
});
