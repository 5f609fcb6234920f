import type { Page } from "@playwright/test";
import { Audit, expectAccessible } from "./support/audit.ts";
import { startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

declare global {
  interface Window {
    /** A microphone made of numbers: what it hears, and how much of the speaker. */
    mic: { voice: GainNode; coupling: GainNode; played: () => Promise<number> };
  }
}

/**
 * A microphone that hears a little noise, a voice that can be turned up (pulses of a harmonic tone), and what elements
 * play, if the two are coupled.
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
      const hiss = new AudioBufferSourceNode(context, { buffer: noise, loop: true });
      const tone = new OscillatorNode(context, { type: "sawtooth", frequency: 140 });
      const beat = new OscillatorNode(context, { frequency: 1.5 });
      const syllables = new GainNode(context, { gain: 0.1 });
      const voice = new GainNode(context, { gain: 0 });
      const coupling = new GainNode(context, { gain: 0 });
      beat.connect(new GainNode(context, { gain: 0.1 })).connect(syllables.gain);
      tone.connect(syllables).connect(voice).connect(out);
      hiss.connect(out);
      coupling.connect(new DelayNode(context, { delayTime: 0.12 })).connect(out);
      for (const source of [hiss, tone, beat]) source.start();
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
      window.mic = { voice, coupling, played };
      return out.stream;
    };
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      if (!wanted?.audio) return get(wanted);
      const video = wanted.video ? (await get({ video: wanted.video })).getVideoTracks() : [];
      return new MediaStream([...make().getAudioTracks(), ...video]);
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
