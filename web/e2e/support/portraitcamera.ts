import type { Page } from "@playwright/test";
import { portrait } from "./portrait.ts";

/** So much light falls on what the camera of {@link portraitCamera} shows; 1: as it was taken. */
export async function setLight(page: Page, light: number): Promise<void> {
  await page.evaluate((portraitLight) => void Object.assign(globalThis, { portraitLight }), light);
}

/** Before this person's page is opened: their camera shows the woman of the photograph, 640 by 360, her face in the upper middle. */
export async function portraitCamera(page: Page): Promise<void> {
  await page.addInitScript((base64) => {
    const devices = navigator.mediaDevices;
    const real = devices.getUserMedia.bind(devices);
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const decoded = createImageBitmap(new Blob([bytes]));
    devices.getUserMedia = async (wanted) => {
      const [stream, picture] = [await real(wanted), await decoded];
      const [camera] = stream.getVideoTracks();
      if (!camera) return stream;
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: 640, height: 360 });
      const context = canvas.getContext("2d");
      let drawn = 0;
      const draw = () => {
        const { portraitLight = 1 } = globalThis as { portraitLight?: number };
        if (!context) return;
        context.filter = portraitLight === 1 ? "none" : `brightness(${portraitLight})`;
        context.drawImage(picture, 0, 20, 512, 288, 0, 0, 640, 360);
        context.fillStyle = `hsl(0 0% ${30 + (drawn++ % 61)}%)`; // a camera that shows always the same stands still
        context.fillRect(0, 0, 8, 8);
      };
      draw();
      const timer = setInterval(draw, 66);
      const [shown] = canvas.captureStream().getVideoTracks();
      if (!shown) throw new Error("no track");
      // It is the camera in all that is asked of it.
      const stop = shown.stop.bind(shown);
      shown.getSettings = () => ({ ...camera.getSettings(), width: 640, height: 360 });
      shown.stop = () => {
        clearInterval(timer);
        camera.stop();
        stop();
      };
      return new MediaStream([...stream.getAudioTracks(), shown]);
    };
  }, portrait().toString("base64"));
}
