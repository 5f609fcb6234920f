import { expect, test } from "vitest";
import type { Carrier } from "./carrier.ts";
import { noEffects, type EffectChoice } from "./choice.ts";
import { Effects, type EffectPort } from "./effects.ts";
import type { EffectAnswer, EffectRequest } from "./messages.ts";

class FakeTrack extends EventTarget {
  readonly asked: unknown[] = [];
  contentHint = "";
  stopped = false;
  size = {};
  applyConstraints(wanted?: MediaTrackConstraints): Promise<void> {
    this.asked.push(wanted);
    return Promise.resolve();
  }
  getSettings(): MediaTrackSettings {
    return this.size;
  }
  stop(): void {
    this.stopped = true;
  }
}
const newTrack = (size = {}) => Object.assign(new FakeTrack(), { size }) as FakeTrack & MediaStreamTrack;

class FakeWorker extends EventTarget implements EffectPort {
  readonly asked: EffectRequest[] = [];
  terminated = false;
  postMessage(request: EffectRequest): void {
    this.asked.push(request);
  }
  terminate(): void {
    this.terminated = true;
  }
  say(data: EffectAnswer): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

const blur: EffectChoice = { backdrop: { kind: "blur", strength: "light" }, light: false };

function setUp() {
  const [workers, carriers]: [FakeWorker[], (Carrier & { cameras: (MediaStreamTrack | null)[]; track: FakeTrack })[]] =
    [[], []];
  const effects = new Effects(
    () => {
      workers.push(new FakeWorker());
      return workers.at(-1) as FakeWorker;
    },
    () => {
      const cameras: (MediaStreamTrack | null)[] = [];
      const track = newTrack();
      carriers.push({ track, cameras, from: (c) => void cameras.push(c), hear() {}, close: () => track.stop() });
      return carriers.at(-1) as Carrier;
    },
  );
  const notices: string[] = [];
  effects.on("notice", ({ kind }) => notices.push(kind));
  return { effects, workers, carriers, notices };
}

test("nothing is loaded for who wants nothing, and the camera's track is handed out itself", () => {
  const { effects, workers } = setUp();
  const camera = newTrack();
  effects.choose(noEffects);
  expect(effects.through(camera)).toBe(camera);
  expect(effects.through(null)).toBeNull();
  expect(workers).toHaveLength(0);
});

test("one track stands for every camera, as long as something is chosen", () => {
  const { effects, workers, carriers } = setUp();
  const [one, other] = [newTrack(), newTrack()];
  effects.choose(blur);
  const track = effects.through(one);
  expect(track).toBe(carriers[0]?.track);
  expect(effects.through(other)).toBe(track);
  expect(effects.through(null)).toBeNull();
  expect(effects.through(one)).toBe(track);
  expect(carriers[0]?.cameras).toEqual([one, other, null, one]);
  effects.choose(noEffects);
  expect(effects.through(one)).toBe(one);
  expect(carriers[0]?.track.stopped).toBe(true);
  expect(workers[0]?.terminated).toBe(true);
  expect(workers).toHaveLength(1);
});

test("chosen in the middle of a picture, the camera that is open goes in at once", () => {
  const { effects, carriers } = setUp();
  const camera = newTrack();
  effects.through(camera);
  let changes = 0;
  effects.on("change", () => changes++);
  effects.choose(blur);
  expect(changes).toBe(1);
  expect(carriers[0]?.cameras).toEqual([camera]);
});

test("another choice goes to the same worker", () => {
  const { effects, workers } = setUp();
  effects.choose(blur);
  effects.choose({ ...blur, light: true });
  expect(workers).toHaveLength(1);
  expect(workers[0]?.asked).toEqual([
    { t: "effects", choice: blur },
    { t: "effects", choice: { ...blur, light: true } },
  ]);
});

test("what is asked of the track is asked of the camera behind it", async () => {
  const { effects, carriers } = setUp();
  const camera = newTrack({ width: 1280, height: 720, deviceId: "a" });
  effects.choose(blur);
  const track = effects.through(camera);
  expect(track?.getSettings()).toEqual({ width: 1280, height: 720, deviceId: "a" });
  Object.assign(carriers[0]?.track ?? {}, { size: { width: 640, height: 360 } });
  expect(track?.getSettings()).toEqual({ width: 640, height: 360, deviceId: "a" });
  await track?.applyConstraints({ width: 320 });
  expect(camera.asked).toEqual([{ width: 320 }]);
  effects.through(null);
  await track?.applyConstraints({ width: 640 }); // nobody is there: no error
  expect(camera.asked).toHaveLength(1);
  const next = newTrack();
  effects.through(next);
  expect(next.asked).toEqual([{ width: 640 }]); // a camera that comes later is asked, too
});

test("less work is told once; that nothing works any more hands the camera out again", () => {
  const { effects, workers, notices } = setUp();
  const camera = newTrack();
  effects.choose(blur);
  effects.through(camera);
  for (const state of ["loading", "on", "reduced", "on", "reduced"] as const) workers[0]?.say({ t: "state", state });
  expect(effects.state).toBe("reduced");
  expect(notices).toEqual(["effects-reduced"]);
  workers[0]?.say({ t: "state", state: "slow" });
  expect(effects.state).toBe("slow");
  expect(effects.through(camera)).toBe(camera);
  expect(notices).toEqual(["effects-reduced", "effects-slow"]);
  workers[0]?.say({ t: "state", state: "on" }); // too late
  expect(effects.state).toBe("slow");
  effects.choose(blur);
  expect(effects.state).toBe("loading");
  expect(workers).toHaveLength(2);
});

test("a worker that breaks is a failure that is told", () => {
  const { effects, workers, notices } = setUp();
  effects.choose(blur);
  workers[0]?.dispatchEvent(new Event("error"));
  expect(effects.state).toBe("failed");
  expect(notices).toEqual(["effects-failed"]);
  expect(workers[0]?.terminated).toBe(true);
});

test("closing ends all of it, once", () => {
  const { effects, workers, carriers } = setUp();
  effects.choose(blur);
  effects.through(newTrack());
  effects.close();
  effects.close();
  expect(workers[0]?.terminated).toBe(true);
  expect(carriers[0]?.track.stopped).toBe(true);
});
