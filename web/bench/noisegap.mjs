import { lobby } from "./parties.mjs";

/**
 * A call in which one person changes the noise suppression six times while sounding without a pause: the longest silence
 * the other one hears, ms. The microphone is a synthetic one (a voice that never ends), so that what is heard is
 * known; opening a real device takes longer, but the one before goes on until then.
 */
export async function switching(browser, url) {
  const [host, guest] = await Promise.all(
    [0, 1].map(async () => {
      const context = await browser.newContext({ permissions: ["camera", "microphone"], locale: "en-US" });
      return context.newPage();
    }),
  );
  await host.addInitScript(sound);
  await (await lobby(host, guest, url)).click();
  for (const page of [host, guest]) await page.getByRole("button", { name: /^Direct|^Relayed/ }).waitFor();
  await host.getByRole("button", { name: "Devices" }).click();
  await guest.evaluate(listen);
  const choice = host.getByLabel("Background noise");
  for (const mode of ["off", "browser", "strong", "off", "strong", "browser"]) {
    await choice.selectOption(mode);
    await host.waitForTimeout(3_000); // both changes of "strong" are long over
  }
  const gap = await guest.evaluate(() => window.longestSilence);
  await Promise.all([host, guest].map((page) => page.context().close()));
  return gap;
}

/** In the page of the one: a deep tone that wanders, which RNNoise takes for a voice. */
function sound() {
  const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let stream = null;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (!wanted?.audio) return get(wanted);
    if (!stream) {
      const context = new AudioContext();
      const out = new MediaStreamAudioDestinationNode(context);
      const tone = new OscillatorNode(context, { type: "sawtooth", frequency: 130 });
      const wander = new OscillatorNode(context, { frequency: 3 });
      wander.connect(new GainNode(context, { gain: 12 })).connect(tone.frequency);
      tone
        .connect(new BiquadFilterNode(context, { type: "lowpass", frequency: 1_200 }))
        .connect(new GainNode(context, { gain: 0.3 }))
        .connect(out);
      tone.start();
      wander.start();
      stream = out.stream;
    }
    const video = wanted.video ? (await get({ video: wanted.video })).getVideoTracks() : [];
    return new MediaStream([...stream.clone().getAudioTracks(), ...video]);
  };
}

/** In the page of the other: how long it was silent at the longest, ms, of what is heard from now on. */
function listen() {
  const { srcObject } = document.querySelector("video[aria-label^='Picture of']");
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 256 }); // 5 ms
  context.createMediaStreamSource(srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let heard = performance.now();
  window.longestSilence = 0;
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const now = performance.now();
    if (samples.some((s) => Math.abs(s) > 0.01)) heard = now;
    window.longestSilence = Math.max(window.longestSilence, now - heard);
  }, 4);
}
