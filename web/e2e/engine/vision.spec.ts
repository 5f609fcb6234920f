import { portrait } from "../support/portrait.ts";
import { expect, test } from "./harness.ts";

test("a face is found where it is, by files of our own server, and none where none is", async ({ party, server }) => {
  const page = await party();
  const asked: string[] = [];
  page.context().on("request", (request) => asked.push(request.url()));
  const picture = portrait().toString("base64");
  const sight = await page.evaluate((base64) => window.engine.look(base64, 512), picture);
  const [face, ...others] = sight?.faces ?? [];
  expect(others).toEqual([]);
  expect(face?.score).toBeGreaterThan(0.8);
  // Places as one reads them from the photograph; hers, so her right eye is on the left.
  const { rightEye, leftEye, mouth } = face?.keypoints ?? {};
  expect(rightEye?.x).toBeCloseTo(0.39, 1);
  expect(leftEye?.x).toBeCloseTo(0.48, 1);
  expect(mouth?.y).toBeCloseTo(0.28, 1);
  expect(rightEye?.x ?? 1).toBeLessThan(leftEye?.x ?? 0);
  expect(face?.box.height).toBeGreaterThan(0.15);
  expect(face?.box.height).toBeLessThan(0.35);
  const { grey } = sight ?? {};
  expect(grey?.pixels.length).toBe(160 * 90);
  // The backdrop beside her head is light, the helmet at the lower edge is black.
  expect(grey?.pixels[20 * 160 + 40]).toBeGreaterThan(140);
  expect(grey?.pixels[82 * 160 + 130]).toBeLessThan(60);

  // The flag at the left alone: nobody.
  expect((await page.evaluate((base64) => window.engine.look(base64, 100), picture))?.faces).toEqual([]);
  expect(asked.filter((url) => !/^(blob|data):/.test(url) && !url.startsWith(server.url))).toEqual([]);
});
