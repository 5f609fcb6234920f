import type { Page } from "@playwright/test";
import { Audit, expectAccessible } from "./support/audit.ts";
import { connect, loudness, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

declare global {
  interface Window {
    /** A microphone made of numbers: what it hears, and how much of the speaker. */
    mic: { voice: GainNode; hiss: GainNode; left: GainNode; coupling: GainNode; played: () => Promise<number> };
    /** What senders of sound were last allowed, bit/s. */
    allowed: number;
  }
}

/**
 * A microphone that hears a little noise, a voice that can be turned up (pulses of a harmonic tone), an instrument on
 * its left, and what elements play, if the two are coupled.
 */
async function withMicrophone(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    let context: AudioContext | null = null;
    const elements = new Set<HTMLMediaElement>();
    const make = () => {
      context = new AudioContext();
      const out = new MediaStreamAudioDestinationNode(context);
      const noise = new AudioBuffer({ length: context.sampleRate, sampleRate: context.sampleRate });
      noise.copyToChannel(
        Float32Array.from({ length: noise.length }, () => (Math.random() - 0.5) * 0.001),
        0,
      );
      const air = new AudioBufferSourceNode(context, { buffer: noise, loop: true });
      const hiss = new GainNode(context);
      const left = new GainNode(context, { gain: 0 });
      const stereo = new ChannelMergerNode(context, { numberOfInputs: 2 });
      const tone = new OscillatorNode(context, { type: "sawtooth", frequency: 140 });
      const beat = new OscillatorNode(context, { frequency: 1.5 });
      const syllables = new GainNode(context, { gain: 0.1 });
      const voice = new GainNode(context, { gain: 0 });
      const coupling = new GainNode(context, { gain: 0 });
      beat.connect(new GainNode(context, { gain: 0.1 })).connect(syllables.gain);
      tone.connect(syllables).connect(voice).connect(out);
      tone.connect(left).connect(stereo, 0, 0).connect(out);
      air.connect(hiss).connect(out);
      coupling.connect(new DelayNode(context, { delayTime: 0.12 })).connect(out);
      for (const source of [air, tone, beat]) source.start();
      const played = async () => {
        const analyser = new AnalyserNode(coupling.context, { fftSize: 2048 });
        coupling.gain.value = 1;
        coupling.connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        let loudest = 0;
        for (let i = 0; i < 60; i++) {
          analyser.getFloatTimeDomainData(samples);
          loudest = samples.reduce((max, s) => Math.max(max, Math.abs(s)), loudest);
          await new Promise(requestAnimationFrame);
        }
        coupling.gain.value = 0;
        return loudest;
      };
      window.mic = { voice, hiss, left, coupling, played };
      return out.stream;
    };
    let made: MediaStream | null = null; // one for all who open it
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      if (!wanted?.audio) return get(wanted);
      const video = wanted.video ? (await get({ video: wanted.video })).getVideoTracks() : [];
      made ??= make();
      return new MediaStream([...made.clone().getAudioTracks(), ...video]);
    };
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      const { srcObject } = this;
      const here = this instanceof HTMLAudioElement && srcObject instanceof MediaStream && !elements.has(this);
      if (here && context) {
        elements.add(this);
        void context.resume();
        context.createMediaStreamSource(srcObject).connect(window.mic.coupling);
      }
      return play.call(this);
    };
  });
}

test("five seconds are recorded and played back, and each microphone is told what it needs", async ({
  person,
  server,
}) => {
  const page = await person();
  const audit = await Audit.watch(page, server.url);
  await withMicrophone(page);
  await startCall(page);
  await page.getByText("Check your sound").click();
  const record = page.getByRole("button", { name: "Record 5 seconds" });
  await record.click();
  await expect(page.getByRole("progressbar", { name: /^Recording\./ })).toBeVisible();
  await expect(page.getByText("You can hardly be heard.")).toBeVisible(); // nobody speaks
  await page.getByRole("button", { name: "Stop" }).click();
  await page.evaluate(() => (window.mic.voice.gain.value = 1));
  await record.click();
  await expect(page.getByText("This is how others hear you.")).toBeVisible();
  expect(await page.evaluate(() => window.mic.played())).toBeGreaterThan(0.03);
  await expect(page.getByText("Your microphone is fine: you can be heard well.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Play again" })).toBeVisible();
  await expectAccessible(page);
  audit.expectClean();
});

test("a speaker is asked about, and what comes back from it is measured", async ({ person }) => {
  const page = await person();
  await withMicrophone(page);
  await startCall(page);
  await page.getByText("Check your sound").click();
  const play = page.getByRole("button", { name: "Play a sound" });
  await play.click();
  await expect(page.getByText("Did you hear it?")).toBeVisible();
  await page.getByRole("button", { name: "No", exact: true }).click();
  await expect(page.getByText("Turn the volume up,")).toBeVisible();
  const probe = page.getByRole("button", { name: "Check for echo" });
  await probe.click();
  await expect(page.getByText("Please be quiet for five seconds …")).toBeVisible();
  await expect(page.getByText("No echo: the other person will not hear themselves.")).toBeVisible();
  await page.evaluate(() => (window.mic.coupling.gain.value = 0.2));
  await probe.click();
  await expect(page.getByText("Strong echo: the other person would hear themselves. Use headphones.")).toBeVisible();
});

test("strong noise suppression takes the noise away in the middle of a call", async ({ person, server }) => {
  const [host, guest] = [await person(), await person()];
  const audit = await Audit.watch(host, server.url);
  await withMicrophone(host);
  await connect(host, guest);
  await host.evaluate(() => (window.mic.hiss.gain.value = 100)); // a fan: 0.05
  await expect.poll(() => loudness(guest)).toBeGreaterThan(0.03);
  await host.getByRole("button", { name: "Devices" }).click();
  await host.getByLabel("Background noise").selectOption("Removed strongly");
  await expect.poll(() => loudness(guest)).toBeLessThan(0.01);
  await host.getByRole("switch", { name: "Microphone", exact: true }).click();
  await host.getByRole("switch", { name: "Microphone", exact: true }).click();
  await host.evaluate(() => (window.mic.voice.gain.value = 3));
  await expect.poll(() => loudness(guest)).toBeGreaterThan(0.05); // and leaves the voice
  audit.expectClean();
});

test("music mode: one click, both are told, and what plays on the left is heard on the left", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await withMicrophone(host);
  await host.addInitScript(() => {
    const { setParameters } = RTCRtpSender.prototype;
    RTCRtpSender.prototype.setParameters = function (parameters) {
      if (this.track?.kind === "audio") window.allowed = parameters.encodings[0]?.maxBitrate ?? 0;
      return setParameters.call(this, parameters);
    };
  });
  await connect(host, guest);
  await host.getByRole("button", { name: "More" }).click();
  await host.getByRole("menuitem", { name: "Switch music mode on" }).click();
  await expect(guest.getByText("Ada plays in music mode")).toBeVisible();
  await expect(host.getByText("Music mode: your sound is sent as it is")).toBeVisible();
  await host.evaluate(() => (window.mic.left.gain.value = 0.3));
  await expect.poll(async () => (await channels(guest))[0]).toBeGreaterThan(0.1);
  const [left = 0, right = 0] = await channels(guest);
  expect(right).toBeLessThan(left / 10);
  expect(await host.evaluate(() => window.allowed)).toBeGreaterThanOrEqual(128_000);
  await host.getByRole("button", { name: "More" }).click();
  await host.getByRole("menuitem", { name: "Switch music mode off" }).click();
  await expect(guest.getByText("Ada plays in music mode")).toBeHidden();
});

/** The loudest sample of each channel that arrives from the other person within a second. */
function channels(page: Page): Promise<number[]> {
  return page.locator("video[aria-label^='Picture of']").evaluate(async (video: HTMLVideoElement) => {
    const context = new AudioContext();
    const source = context.createMediaStreamSource(video.srcObject as MediaStream);
    const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    source.connect(splitter);
    const analysers = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(context, { fftSize: 2048 });
      splitter.connect(analyser, channel);
      return analyser;
    });
    const loudest = [0, 0];
    const samples = new Float32Array(2048);
    while (context.currentTime < 1) {
      for (const [i, analyser] of analysers.entries()) {
        analyser.getFloatTimeDomainData(samples);
        loudest[i] = samples.reduce((max, s) => Math.max(max, Math.abs(s)), loudest[i] ?? 0);
      }
      await new Promise(requestAnimationFrame);
    }
    await context.close();
    return loudest;
  });
}
