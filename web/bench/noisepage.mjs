/**
 * What make bench-noise does in the page: speech and noise at a known distance through the noise suppression as it is
 * shipped, and how far what comes out is from the speech alone; or, for its cost, the speech `times` times, `through`
 * it or not. Runs in the browser; everything is inside.
 */
export async function measure({ speech, noises, snrs, worklet, wasm, times, through }) {
  const RATE = 48_000;
  const LATE = 1_440; // of what comes out: 30 ms, see denoiser.ts
  const module = await WebAssembly.compileStreaming(fetch(wasm));

  /** Every sentence and half a second of pause after it. */
  async function load() {
    const context = new OfflineAudioContext(1, RATE, RATE);
    const parts = [];
    for (const base64 of speech) {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const buffer = await context.decodeAudioData(bytes.buffer);
      parts.push(buffer.getChannelData(0), new Float32Array(RATE / 2));
    }
    const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const gauss = () => random() + random() + random() - 1.5;
  const make = {
    white: (n) => Float32Array.from({ length: n }, gauss),
    // Kellet's filter: 3 dB less for each octave.
    pink: (n) => {
      let [a, b, c] = [0, 0, 0];
      return Float32Array.from({ length: n }, () => {
        const w = gauss();
        a = 0.99765 * a + w * 0.099046;
        b = 0.963 * b + w * 0.2965164;
        c = 0.57 * c + w * 1.0526913;
        return a + b + c + w * 0.1848;
      });
    },
    // Air that rushes and a motor that turns.
    fan: (n) => {
      let air = 0;
      return Float32Array.from({ length: n }, (_, i) => {
        air = 0.985 * air + gauss() * 0.1;
        const turn = (2 * Math.PI * i) / RATE;
        return air + 0.15 * Math.sin(100 * turn) + 0.08 * Math.sin(200 * turn) + 0.02 * gauss();
      });
    },
    // Seven keys a second, each a click that dies within 30 ms.
    keyboard: (n) => {
      const out = new Float32Array(n);
      for (let at = 0; at < n; at += Math.floor(RATE * (0.05 + 0.18 * random()))) {
        const hz = 1_500 + 2_500 * random();
        for (let i = 0; i < 3_000 && at + i < n; i++)
          out[at + i] += Math.exp(-i / 400) * (0.8 * gauss() + 0.4 * Math.sin((2 * Math.PI * hz * i) / RATE));
      }
      return out;
    },
  };

  const power = (x) => x.reduce((sum, s) => sum + s * s, 0) / x.length;

  /** Mean power while somebody speaks: of the 10 ms that are less than 15.9 dB below it (as in ITU-T P.56). */
  function activePower(x) {
    const frames = [];
    for (let i = 0; i + 480 <= x.length; i += 480) frames.push(power(x.subarray(i, i + 480)));
    let level = frames.reduce((a, b) => a + b, 0) / frames.length;
    for (let i = 0; i < 20; i++) {
      const active = frames.filter((p) => p > level / 38.9);
      level = active.reduce((a, b) => a + b, 0) / active.length;
    }
    return level;
  }

  /** Scale-invariant signal to distortion ratio, dB (Le Roux 2019). */
  function siSdr(wanted, got, late) {
    const n = wanted.length - LATE;
    let [dot, energy] = [0, 0];
    for (let i = 0; i < n; i++) {
      dot += wanted[i] * got[i + late];
      energy += wanted[i] ** 2;
    }
    const scale = dot / energy;
    let error = 0;
    for (let i = 0; i < n; i++) error += (got[i + late] - scale * wanted[i]) ** 2;
    return 10 * Math.log10((scale ** 2 * energy) / Math.max(error, 1e-12));
  }

  /** Through the worklet, or through nothing. */
  async function render(samples, through) {
    const context = new OfflineAudioContext(1, samples.length, RATE);
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE });
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    if (through) {
      await context.audioWorklet.addModule(worklet);
      const options = { channelCount: 1, outputChannelCount: [1], processorOptions: { module } };
      source.connect(new AudioWorkletNode(context, "visavis-denoise", options)).connect(context.destination);
    } else source.connect(context.destination);
    source.start();
    return (await context.startRendering()).getChannelData(0);
  }

  const clean = await load();
  for (let i = 0; i < times; i++) await render(clean, through);
  if (times) return { seconds: (times * clean.length) / RATE };
  const active = activePower(clean);
  const rows = [];
  for (const noise of noises) {
    for (const snr of snrs) {
      seed = 7;
      const sound = make[noise](clean.length);
      const factor = Math.sqrt(active / power(sound) / 10 ** (snr / 10));
      const mixed = clean.map((s, i) => s + factor * sound[i]);
      const out = await render(mixed, true);
      rows.push({ noise, snr, before: siSdr(clean, mixed, 0), after: siSdr(clean, out, LATE) });
    }
  }
  return { rows, untouched: siSdr(clean, await render(clean, true), LATE), seconds: clean.length / RATE };
}
