import type { Page } from "@playwright/test";
import { portrait } from "./portrait.ts";

/** How the camera sees her. `lean`: the lower the further aside, as the nose of a head that turns. */
interface Scene {
  readonly light: number; // 1: as it was taken
  readonly lean: number;
}

/** Changes what the camera of {@link portraitCamera} shows. */
export async function setScene(page: Page, scene: Scene): Promise<void> {
  await page.evaluate((next) => void Object.assign(globalThis, { portraitScene: next }), scene);
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
      const draw = () => {
        const { portraitScene: scene } = globalThis as { portraitScene?: Scene };
        const { light, lean } = scene ?? { light: 1, lean: 0 };
        if (!context) return;
        context.setTransform(1, 0, lean, 1, -160 * lean, 0);
        context.filter = light === 1 ? "none" : `brightness(${light})`;
        context.drawImage(picture, 0, 20, 512, 288, 0, 0, 640, 360);
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
