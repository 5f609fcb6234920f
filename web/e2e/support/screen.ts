import type { Locator, Page } from "@playwright/test";

/** Fills a tab with 12-px text and a tone of 880 Hz: something to share. */
export async function paper(page: Page, title: string): Promise<void> {
  await page.goto("/");
  await page.evaluate((name) => {
    document.title = name;
    document.body.replaceChildren();
    const style = new CSSStyleSheet();
    style.replaceSync("body { margin: 8px; background: #fff; color: #000; font: 12px sans-serif; columns: 3 }");
    document.adoptedStyleSheets = [style];
    for (let i = 0; i < 150; i++) {
      const line = document.createElement("p");
      line.textContent = `${i}. The quick brown fox jumps over the lazy dog; sphinx of black quartz, judge my vow ${i * 7919}.`;
      document.body.append(line);
    }
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: 880 });
    tone.connect(new GainNode(context, { gain: 0.3 })).connect(context.destination);
    tone.start();
  }, title);
}

/** How like two pictures are, 0…1: the mean structural similarity of 8×8 blocks, of what is received and of the page itself at the same size. */
export async function likeness(received: Locator, source: Page): Promise<number> {
  const png = (await source.screenshot({ scale: "device" })).toString("base64");
  return received.evaluate(async (video: HTMLVideoElement, base64) => {
    if (video.videoWidth === 0) return 0;
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const original = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const { videoWidth: width, videoHeight: height } = video;
    if (original.width !== width || original.height !== height) return 0; // it was scaled: letters are gone
    const luma = (image: CanvasImageSource): Float32Array => {
      const context = new OffscreenCanvas(width, height).getContext("2d");
      if (!context) throw new Error("no canvas");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      return Float32Array.from({ length: width * height }, (_, i) => {
        const [red = 0, green = 0, blue = 0] = data.subarray(4 * i, 4 * i + 3);
        return 0.299 * red + 0.587 * green + 0.114 * blue;
      });
    };
    const [a, b] = [luma(video), luma(original)];
    // SSIM with its usual constants (Wang et al. 2004).
    const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
    let sum = 0;
    let blocks = 0;
    for (let y = 0; y + 8 <= height; y += 8) {
      for (let x = 0; x + 8 <= width; x += 8) {
        let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
        for (let i = 0; i < 64; i++) {
          const at = (y + (i >> 3)) * width + x + (i & 7);
          const [p, q] = [a[at] ?? 0, b[at] ?? 0];
          sa += p;
          sb += q;
          saa += p * p;
          sbb += q * q;
          sab += p * q;
        }
        const [ma, mb] = [sa / 64, sb / 64];
        const [va, vb, cov] = [saa / 64 - ma * ma, sbb / 64 - mb * mb, sab / 64 - ma * mb];
        sum += ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
        blocks++;
      }
    }
    return sum / blocks;
  }, png);
}

/** The loudest frequency that comes with a shared screen, in hertz to the next 20; 0 for silence. */
export function hear(received: Locator): Promise<number> {
  return received.evaluate(async (video: HTMLVideoElement) => {
    const [track] = video.srcObject instanceof MediaStream ? video.srcObject.getAudioTracks() : [];
    if (!track) return 0;
    const context = new AudioContext({ sampleRate: 48_000 });
    const analyser = new AnalyserNode(context, { fftSize: 16_384, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const full = context.currentTime + (2 * analyser.fftSize) / context.sampleRate;
    while (context.currentTime < full) await new Promise(requestAnimationFrame);
    const levels = new Float32Array(analyser.frequencyBinCount); // dB
    analyser.getFloatFrequencyData(levels);
    await context.close();
    const loudest = Math.max(...levels);
    return loudest < -60 ? 0 : Math.round((levels.indexOf(loudest) * 48_000) / analyser.fftSize / 20) * 20;
  });
}
