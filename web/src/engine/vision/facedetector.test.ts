import { expect, test } from "vitest";
import { FaceDetector, type FaceWorkerPort } from "./facedetector.ts";
import type { FaceAnswer, FaceRequest, Sight } from "./messages.ts";

class FakeWorker extends EventTarget implements FaceWorkerPort {
  readonly asked: string[] = [];
  terminated = 0;

  postMessage(request: FaceRequest): void {
    this.asked.push(request.t);
  }
  terminate(): void {
    this.terminated++;
  }
  say(data: FaceAnswer): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

class FakePicture {
  closed = false;
  close(): void {
    this.closed = true;
  }
}

const nobody: Sight = { faces: [], grey: { width: 0, height: 0, pixels: new Uint8ClampedArray() } };
const settled = () => new Promise((resolve) => setTimeout(resolve));
const picture = () => new FakePicture() as FakePicture & ImageBitmap;

function setUp() {
  const workers: FakeWorker[] = [];
  const detector = new FaceDetector(() => {
    workers.push(new FakeWorker());
    return workers.at(-1) as FakeWorker;
  });
  return { detector, workers };
}

test("nothing is loaded before the first question, and once only", async () => {
  const { detector, workers } = setUp();
  expect(workers).toHaveLength(0);
  const first = detector.detect(picture());
  workers[0]?.say({ t: "ready" });
  await settled();
  workers[0]?.say({ t: "sight", sight: nobody });
  expect(await first).toBe(nobody);
  void detector.detect(picture());
  await settled();
  expect(workers).toHaveLength(1);
  expect(workers[0]?.asked).toEqual(["faces", "look", "look"]);
});

test("a picture that comes while another is looked at is let go, not queued", async () => {
  const { detector, workers } = setUp();
  void detector.detect(picture());
  workers[0]?.say({ t: "ready" });
  await settled();
  const late = picture();
  expect(await detector.detect(late)).toBeNull();
  expect(late.closed).toBe(true);
  expect(workers[0]?.asked).toEqual(["faces", "look"]);
});

test("whoever waits when the worker fails is answered, and the next question begins anew", async () => {
  const { detector, workers } = setUp();
  const first = detector.detect(picture());
  workers[0]?.say({ t: "failed", reason: "no memory" });
  expect(await first).toBeNull();
  expect(workers[0]?.terminated).toBe(1);
  const second = detector.detect(picture());
  workers[1]?.say({ t: "ready" });
  await settled();
  workers[1]?.dispatchEvent(new Event("error"));
  expect(await second).toBeNull();
});

test("closing ends the worker and answers whoever waits; nothing starts after it", async () => {
  const { detector, workers } = setUp();
  const waiting = detector.detect(picture());
  detector.close();
  detector.close();
  expect(await waiting).toBeNull();
  expect(workers[0]?.terminated).toBe(1);
  const late = picture();
  expect(await detector.detect(late)).toBeNull();
  expect(late.closed).toBe(true);
  expect(await detector.load()).toBe(false);
  expect(workers).toHaveLength(1);
});
