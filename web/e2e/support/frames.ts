import type { Page } from "@playwright/test";
import type { FromWorker, StreamCounts, StreamOptions } from "../../src/engine/sframe/messages.ts";

interface Held {
  frameWorkers: Worker[];
  receiving: number[]; // ids of the streams that come from the other side
}

/** Keeps hold of the workers that encrypt frames, and of what they are to do; before the call begins. */
export async function holdWorkers(page: Page): Promise<void> {
  const hold = () => {
    const held: Held = { frameWorkers: [], receiving: [] };
    Object.assign(globalThis, held);
    globalThis.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        held.frameWorkers.push(this);
      }
    };
    globalThis.RTCRtpScriptTransform = class extends RTCRtpScriptTransform {
      constructor(worker: Worker, options: StreamOptions) {
        super(worker, options);
        if (options.direction === "receive") held.receiving.push(options.id);
      }
    };
  };
  await page.addInitScript(hold);
  await page.evaluate(hold);
}

/**
 * Frames of the other side that arrived and were not played, of all streams. The first of a call come before their keys; a
 * few may just be in the worker's hands.
 */
export async function unplayed(page: Page): Promise<number> {
  const streams = await page.evaluate(
    () =>
      new Promise<readonly StreamCounts[]>((resolve) => {
        const { frameWorkers, receiving } = globalThis as unknown as Held;
        const worker = frameWorkers.at(-1);
        const answer = ({ data }: MessageEvent<FromWorker>): void => {
          if (data.t !== "counts" || data.n !== -1) return;
          worker?.removeEventListener("message", answer);
          resolve(data.streams.filter((s) => receiving.includes(s.id)));
        };
        worker?.addEventListener("message", answer);
        worker?.postMessage({ t: "count", n: -1 }, []);
      }),
  );
  if (!streams.some((s) => s.good > 0)) throw new Error("no frame of the other side was counted");
  return streams.reduce((sum, s) => sum + s.entered - s.left, 0);
}
