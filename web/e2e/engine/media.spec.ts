import type { Page } from "@playwright/test";
import { expect, test } from "./harness.ts";
import { connect, expectFrames, expectPhase, knock, links, start } from "./steps.ts";

test("mute is silence at the other side, and both are told", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.02);
  await guest.evaluate(() => window.engine.media?.setMic(false));
  await expect.poll(() => host.evaluate(() => window.engine.call?.remote?.mic)).toBe(false);
  // What was on its way when the switch was thrown may still be played out.
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeLessThan(0.001);
  expect(await guest.evaluate(() => window.engine.media?.stream.getAudioTracks()[0]?.readyState)).toBe("live");
  await guest.evaluate(() => window.engine.media?.setMic(true));
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.02);
  expect(await host.evaluate(() => window.engine.notices.map((n) => n.kind))).toEqual(
    expect.arrayContaining(["peer-muted", "peer-unmuted"]),
  );
});

test("camera off releases the camera; on again needs no negotiation", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  const offers = await host.evaluate(() => window.engine.live?.localDescription?.sdp.length);
  const track = await guest.evaluateHandle(() => window.engine.media?.stream.getVideoTracks()[0]);
  await guest.evaluate(() => window.engine.media?.setCamera(false));
  expect(await track.evaluate((t) => t?.readyState)).toBe("ended");
  await expect.poll(() => host.evaluate(() => window.engine.call?.remote?.cam)).toBe(false);
  await guest.evaluate(() => window.engine.media?.setCamera(true));
  await expect.poll(() => host.evaluate(() => window.engine.call?.remote?.cam)).toBe(true);
  await expectFrames(host);
  expect(await host.evaluate(() => window.engine.live?.localDescription?.sdp.length)).toEqual(offers);
});

/** Samples that the listener had to make up because none arrived (48 000 are a second). */
const concealed = (page: Page) =>
  page.evaluate(async () => {
    const report = await window.engine.live?.getStats();
    const audio = [...(report?.values() ?? [])].find((s) => s.type === "inbound-rtp" && s.kind === "audio");
    return Number(audio?.concealedSamples ?? 0) - Number(audio?.silentConcealedSamples ?? 0);
  });

test("another microphone takes over without a gap, and is remembered by name", async ({ party }) => {
  const [host, guest] = [await party(), await party()];
  await connect(host, guest);
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.02);
  const descriptions = () => host.evaluate(() => window.engine.live?.remoteDescription?.sdp);
  const negotiated = await descriptions();
  const before = await concealed(host);
  const chosen = await guest.evaluate(async () => {
    const { media } = window.engine;
    const other = media?.mics.find((m) => m.id !== media.micId);
    if (!media || !other) throw new Error("the fake devices have one microphone only");
    await media.select("mic", other.id);
    return { id: other.id, label: other.label, now: media.micId, kept: localStorage.getItem("device mic") };
  });
  expect(chosen.now).toBe(chosen.id);
  expect(chosen.kept).toBe(chosen.label);
  await expect.poll(() => host.evaluate(() => window.engine.heard())).toBeGreaterThan(0.02);
  expect((await concealed(host)) - before).toBeLessThan(0.3 * 48_000);
  expect(await descriptions()).toEqual(negotiated);
});

test("an unplugged microphone is replaced, and comes back when it is plugged in again", async ({ party }) => {
  const page = await party();
  const kinds = await page.evaluate(async () => {
    const devices = navigator.mediaDevices;
    const enumerate = devices.enumerateDevices.bind(devices);
    await window.engine.start({ link: window.engine.links(0).host });
    const { media } = window.engine;
    if (!media) throw new Error("not started");
    const notices: string[] = [];
    const noticed = () =>
      new Promise<void>((resolve) => media.on("notice", ({ kind }) => (notices.push(kind), resolve())));
    const original = media.micId;

    devices.enumerateDevices = async () => (await enumerate()).filter((d) => d.deviceId !== original);
    const real = devices.getUserMedia.bind(devices);
    const spare = media.mics.find((m) => m.id !== original)?.id ?? "";
    // Without the real one, the default is another.
    devices.getUserMedia = (wanted) => real(wanted?.audio ? { audio: { deviceId: { exact: spare } } } : wanted);
    const gone = noticed();
    const [track] = media.stream.getAudioTracks();
    track?.stop();
    track?.dispatchEvent(new Event("ended"));
    await gone;
    const fallback = media.micId === spare && media.micOn;

    devices.enumerateDevices = enumerate;
    devices.getUserMedia = real;
    const back = noticed();
    devices.dispatchEvent(new Event("devicechange"));
    await back;
    return { fallback, notices: [...new Set(notices)], restored: media.micId === original };
  });
  expect(kinds).toEqual({ fallback: true, notices: ["device-lost", "device-back"], restored: true });
});

test("no camera: the microphone works all the same", async ({ party }) => {
  const page = await party();
  const result = await page.evaluate(async () => {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wanted) =>
      wanted?.video ? Promise.reject(new DOMException("Requested device not found", "NotFoundError")) : real(wanted);
    await window.engine.start({ link: window.engine.links(0).host });
    const { media } = window.engine;
    return { mic: media?.micOn, camera: media?.cameraOn, problem: media?.cameraProblem };
  });
  expect(result).toEqual({ mic: true, camera: false, problem: "none" });
});

test("without a rehearsal the offer, candidates inside, leaves in the same moment as the admission", async ({
  party,
}) => {
  const [host, guest] = [await party(), await party()];
  const link = await links(host);
  await start(host, { link: link.host, rehearse: false });
  await start(guest, { link: link.guest });
  await knock(guest);
  await expect.poll(() => host.evaluate(() => window.engine.call?.visitors.length)).toBe(1);
  await expect.poll(() => host.evaluate(() => window.engine.peers.at(-1)?.iceGatheringState)).toBe("complete");
  const sent = await host.evaluate(() => {
    const { call, peers, sockets } = window.engine;
    const socket = sockets.at(-1);
    if (!call || !socket) throw new Error("no call");
    const kinds: string[] = [];
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      kinds.push(typeof data === "string" ? (JSON.parse(data) as { type: string }).type : "sealed");
      send(data);
    };
    call.admit(call.visitors[0]?.slot ?? 0);
    return { kinds, candidates: peers.at(-1)?.localDescription?.sdp.includes("a=candidate:") };
  });
  expect(sent).toEqual({ kinds: ["grant", "sealed", "sealed"], candidates: true });
  await expectPhase("live", host, guest);
});
