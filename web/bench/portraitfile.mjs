/** A film of the photograph for Chromium's fake camera. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** Part of the photograph that the camera sees, in its points: 16 by 9, above the helmet. */
export const view = { x: 0, y: 20, width: 512, height: 288 };
const MARGIN = 8; // px, for the movement
const FRAMES = 60; // two seconds, over and over

/** The view as red, green, blue, opacity, with a margin around; a page does the scaling. */
async function pixels(browser, width, height) {
  const script = new URL("../../scripts/portrait.sh", import.meta.url).pathname;
  const picture = readFileSync(execFileSync(script, { encoding: "utf8" }).trim()).toString("base64");
  const page = await browser.newPage();
  const data = await page.evaluate(
    async ({ picture, view, width, height, margin }) => {
      const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
      const canvas = new OffscreenCanvas(width + 2 * margin, height + 2 * margin);
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      const scale = width / view.width;
      context.drawImage(
        image,
        margin - view.x * scale,
        margin - view.y * scale,
        image.width * scale,
        image.height * scale,
      );
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let text = "";
      for (let i = 0; i < data.length; i += 32_768) text += String.fromCharCode(...data.subarray(i, i + 32_768));
      return btoa(text);
    },
    { picture, view, width, height, margin: MARGIN },
  );
  await page.close();
  return Buffer.from(data, "base64");
}

/** One frame (I420, BT.601), seen `dx`, `dy` px aside. */
function frame(rgba, width, height, dx, dy, noise) {
  const out = Buffer.alloc((width * height * 3) / 2);
  const stride = width + 2 * MARGIN;
  const at = (x, y) => ((y + MARGIN + dy) * stride + x + MARGIN + dx) * 4;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const p = at(x, y);
      const value = 16 + 0.257 * rgba[p] + 0.504 * rgba[p + 1] + 0.098 * rgba[p + 2];
      out[i] = value + (noise ? Math.random() * 6 - 3 : 0);
    }
  const [u, v] = [width * height, (width * height * 5) / 4];
  for (let y = 0, i = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2, i++) {
      const p = at(x, y);
      out[u + i] = 128 - 0.148 * rgba[p] - 0.291 * rgba[p + 1] + 0.439 * rgba[p + 2];
      out[v + i] = 128 + 0.439 * rgba[p] - 0.368 * rgba[p + 1] - 0.071 * rgba[p + 2];
    }
  return out;
}

/** Writes the film: she sways a little before a camera with some noise, or, `still`, does not move. */
export async function film(browser, path, { width, height, still = false }) {
  const rgba = await pixels(browser, width, height);
  const file = openSync(path, "w");
  writeSync(file, `YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`);
  for (let i = 0; i < (still ? 2 : FRAMES); i++) {
    const turn = (i / FRAMES) * 2 * Math.PI;
    const [dx, dy] = still ? [0, 0] : [Math.round(6 * Math.sin(turn)), Math.round(2 * Math.sin(2 * turn))];
    writeSync(file, "FRAME\n");
    writeSync(file, frame(rgba, width, height, dx, dy, !still));
  }
  closeSync(file);
}
