import type { Page } from "@playwright/test";
import { connect, expectLive, loudness } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";
import { expectAccessible } from "./support/audit.ts";

/** What stands in for the parts of a phone that a test machine has not. */
interface Phone {
  /** Somebody talks into the microphone, or stops. */
  talk(on: boolean): void;
  /** Locks held on the screen, and how often one was asked for. */
  awake(): { held: number; asked: number };
  /** Constraints the camera was given last. */
  lens(): { facing: string; torch: boolean; zoom: number };
  actions: Map<string, (() => void) | null>;
}

declare global {
  interface Window {
    phone: Phone;
    reported: { hidden: number }; // ms
  }
}

/** A microphone that is silent until somebody talks, two cameras of which the one at the back has light and zoom. */
async function withPhone(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const { mediaDevices } = navigator;
    const get = mediaDevices.getUserMedia.bind(mediaDevices);
    const enumerate = mediaDevices.enumerateDevices.bind(mediaDevices);
    let voice: GainNode | null = null;
    const microphone = () => {
      const context = new AudioContext();
      voice = new GainNode(context, { gain: 0 });
      const out = new MediaStreamAudioDestinationNode(context);
      const tone = new OscillatorNode(context, { frequency: 180 });
      tone.connect(voice).connect(out);
      tone.start();
      return out.stream.getAudioTracks()[0] as MediaStreamTrack;
    };
    const lens = { facing: "user", torch: false, zoom: 1 };
    const camera = (track: MediaStreamTrack, facing: string) => {
      const settings = track.getSettings.bind(track);
      Object.assign(lens, { facing, torch: false, zoom: 1 });
      const back = facing === "environment";
      track.getSettings = () => ({
        ...settings(),
        facingMode: facing,
        ...(back && { torch: lens.torch, zoom: lens.zoom }),
      });
      track.getCapabilities = () =>
        (back ? { torch: true, zoom: { min: 1, max: 5, step: 0.5 } } : {}) as MediaTrackCapabilities;
      track.applyConstraints = (wanted) => {
        Object.assign(lens, wanted?.advanced?.[0]);
        return Promise.resolve();
      };
      return track;
    };
    mediaDevices.enumerateDevices = async () => {
      const all = await enumerate();
      const [one] = all.filter((d) => d.kind === "videoinput");
      const second = { kind: "videoinput", deviceId: "back", label: "camera at the back", groupId: "back" };
      return one ? [...all, second as MediaDeviceInfo] : all;
    };
    mediaDevices.getUserMedia = async (wanted) => {
      const tracks: MediaStreamTrack[] = [];
      if (wanted?.audio) tracks.push(microphone());
      if (wanted?.video) {
        const { facingMode } = typeof wanted.video === "object" ? wanted.video : {};
        const [track] = (await get({ video: true })).getVideoTracks();
        if (track) tracks.push(camera(track, facingMode === "environment" ? "environment" : "user"));
      }
      return new MediaStream(tracks);
    };
    const actions = new Map<string, (() => void) | null>();
    navigator.mediaSession.setActionHandler = (name, handler) => void actions.set(name, handler as (() => void) | null);
    let [held, asked] = [0, 0];
    navigator.wakeLock.request = () => {
      [held, asked] = [held + 1, asked + 1];
      const lock = Object.assign(new EventTarget(), { released: false, type: "screen" as const, onrelease: null });
      const release = () => {
        if (!lock.released) held--;
        lock.released = true;
        return Promise.resolve();
      };
      // As a browser does: the lock goes when the page does.
      document.addEventListener("visibilitychange", () => void (document.visibilityState === "hidden" && release()));
      return Promise.resolve(Object.assign(lock, { release }) as unknown as WakeLockSentinel);
    };
    window.phone = {
      talk: (on) => voice && (voice.gain.value = on ? 0.4 : 0),
      awake: () => ({ held, asked }),
      lens: () => ({ ...lens }),
      actions,
    };
  });
}

/** Adds up what the page reports of itself, on the way to being sealed. */
async function withReports(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const { stringify } = JSON;
    window.reported = { hidden: 0 };
    JSON.stringify = (value: unknown) => {
      const { t, hidden } = (value ?? {}) as { t?: string; hidden?: number };
      if (t === "report") window.reported.hidden += hidden ?? 0;
      return stringify(value);
    };
  });
}

/** The page goes behind another one, and comes back. */
async function hide(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((to) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (to ? "hidden" : "visible") });
    Object.defineProperty(document, "hidden", { configurable: true, get: () => to });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

test("talking while muted is told once, to the one who talks; silence is not", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await withPhone(host);
  await connect(host, guest);
  const hint = host.getByText("You are talking, but you are muted.");
  await host.keyboard.press("m");
  await expect(host.getByText("Muted: microphone open, nothing is sent")).toBeVisible();
  await expect(guest.getByText("Ada is muted", { exact: true })).toBeVisible();
  await expect(hint).toBeHidden();
  await host.evaluate(() => window.phone.talk(true));
  await expect(hint).toBeVisible();
  await expect.poll(() => loudness(guest, 500)).toBe(0);
  await expect(hint).toBeHidden(); // gone by itself, and not said again
  await expectAccessible(host);
});

test("a released microphone is closed while muted, and open again afterwards", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  await host.keyboard.press("d");
  await host.getByRole("switch", { name: "Release the microphone when muted" }).click();
  await host.keyboard.press("d");
  await host.getByRole("switch", { name: "Microphone", exact: true }).click();
  await expect(host.getByText("Muted: the microphone is released")).toBeVisible();
  await host.getByRole("switch", { name: "Microphone", exact: true }).click();
  await expect.poll(() => loudness(guest)).toBeGreaterThan(0.05);
});

test("a phone in the call: awake, its buttons, its cameras; in the background the other side is told", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person({ viewport: { width: 390, height: 844 } })];
  await withPhone(guest);
  await connect(host, guest);
  const phone = () => guest.evaluate(() => ({ ...window.phone.awake(), ...window.phone.lens() }));
  await expect.poll(phone).toMatchObject({ held: 1, asked: 1, facing: "user" });

  const mirrored = () =>
    guest
      .getByRole("button", { name: /^Your picture/ })
      .locator("video")
      .evaluate((video) => getComputedStyle(video).transform.startsWith("matrix(-1"));
  expect(await mirrored()).toBe(true);
  await expect(guest.getByRole("switch", { name: "Light of the camera" })).toBeHidden();
  await guest.getByRole("button", { name: "Switch to the other camera" }).click();
  await guest.getByRole("switch", { name: "Light of the camera" }).click();
  await expect(guest.getByRole("switch", { name: "Light of the camera" })).toBeChecked();
  await guest.getByRole("slider", { name: "Zoom" }).fill("3");
  await expect.poll(phone).toMatchObject({ facing: "environment", torch: true, zoom: 3 });
  expect(await mirrored()).toBe(false);
  await expectAccessible(guest);
  const tools = await guest.getByRole("group", { name: "Camera controls" }).boundingBox();
  const self = await guest.getByRole("button", { name: /^Your picture/ }).boundingBox();
  expect(tools?.y).toBeGreaterThanOrEqual((self?.y ?? 0) + (self?.height ?? 0)); // neither covers the other

  await hide(guest, true);
  await expect(host.getByText("Ben has the call in the background")).toBeVisible();
  await expect.poll(phone).toMatchObject({ held: 0 });
  await expect.poll(() => loudness(guest)).toBeGreaterThan(0.05); // goes on playing
  await hide(guest, false);
  await expect(host.getByText("Ben has the call in the background")).toBeHidden();
  await expect.poll(phone).toMatchObject({ held: 1, asked: 2 });
  await expectLive(guest);

  await guest.evaluate(() => window.phone.actions.get("hangup")?.());
  await expect(guest.getByRole("heading", { name: "You have left the call" })).toBeVisible();
  await expect.poll(phone).toMatchObject({ held: 0 });
});

test("after a call in the background both have the receipt, can copy it, and find it with the call", async ({
  person,
}) => {
  const [host, guest] = [await person(), await person()];
  // The page may write to the clipboard, not read it: what it writes is looked at on the way.
  await host.addInitScript(() => {
    navigator.clipboard.writeText = (text) => Promise.resolve(void (document.body.dataset["copied"] = text));
  });
  await withReports(guest);
  await connect(host, guest);
  await hide(guest, true);
  await expect(host.getByText("Ben has the call in the background")).toBeVisible();
  // What the guest's page measures goes to the other side every few seconds. This is enough to be worth a word.
  await expect.poll(() => guest.evaluate(() => window.reported.hidden)).toBeGreaterThan(7_500);
  await hide(guest, false);
  await guest.getByRole("button", { name: "Leave" }).click();
  await expect(guest.getByText(/^You had the call in the background/)).toBeVisible();
  await expect(guest.getByText("on your side")).toBeVisible();
  await host.getByRole("button", { name: "Leave" }).click();
  await expect(host.getByText(/^Ben had the call in the background, or the device asleep, for \d+ s\.$/)).toBeVisible();
  await expect(host.getByText("on the other side: Ben")).toBeVisible();
  await expectAccessible(host);
  await host.getByRole("button", { name: "Copy the receipt" }).click();
  const copied = await host.evaluate(() => document.body.dataset["copied"]);
  expect(copied).toContain("Cause: The other person had the call in the background");
  expect(copied).not.toMatch(/Ben|Ada|\d+\.\d+\.\d+\.\d+/);
  await host.getByRole("button", { name: "To the start page" }).click();
  await host.getByRole("button", { name: /^More about/ }).click();
  await host.getByRole("menuitem", { name: "How the last call was" }).click();
  await expect(host.getByRole("dialog").getByText(/^Ben had the call in the background/)).toBeVisible();
});
