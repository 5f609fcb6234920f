import type { Page } from "@playwright/test";
import { framingVerdict } from "../../src/engine/checks/framing.ts";
import { lightVerdict } from "../../src/engine/checks/light.ts";
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

/** How the photograph is shown: `at` is the part of the picture (640 by 360) that 512 by 288 points of it fill. */
interface Scene {
  readonly at: readonly [x: number, y: number, width: number, height: number];
  readonly filter?: string;
  readonly behind?: string; // in place of all that is not her
}

/** As a PNG, base64. */
function shown(page: Page, base64: string, scene: Scene): Promise<string> {
  return page.evaluate(
    async ([base64, { at, filter, behind }]) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes]));
      const canvas = new OffscreenCanvas(640, 360);
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      context.fillStyle = behind ?? "#808080";
      context.fillRect(0, 0, 640, 360);
      context.filter = filter ?? "none";
      if (behind) {
        context.beginPath();
        context.ellipse(278, 135, 90, 115, 0, 0, 2 * Math.PI);
        context.ellipse(278, 420, 200, 200, 0, 0, 2 * Math.PI);
        context.clip();
      }
      context.drawImage(picture, 0, 20, 512, 288, ...at);
      const blob = await canvas.convertToBlob();
      const text = Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join("");
      return btoa(text);
    },
    [base64, scene] as const,
  );
}

test("a photograph that is darkened, lit from behind, moved or resized is told what it needs", async ({ party }) => {
  const page = await party();
  const picture = portrait().toString("base64");
  const whole = [0, 0, 640, 360] as const;
  const judge = async (scene: Scene) => {
    const sight = await page.evaluate((base64) => window.engine.look(base64, 640), await shown(page, picture, scene));
    if (!sight) throw new Error("no answer");
    const [face] = sight.faces;
    return `${lightVerdict(sight.grey, face?.box ?? null).finding}, ${framingVerdict(sight.faces, 16 / 9).finding}`;
  };
  expect(await judge({ at: whole })).toBe("good, good");
  expect(await judge({ at: whole, filter: "brightness(0.3)" })).toBe("dark, good");
  expect(await judge({ at: whole, filter: "brightness(0.5)", behind: "#fff" })).toBe("backlit, good");
  expect(await judge({ at: [-170, 0, 640, 360] })).toBe("good, aside");
  expect((await judge({ at: [-237, -60, 1280, 720] })).split(", ")[1]).toBe("close");
});
