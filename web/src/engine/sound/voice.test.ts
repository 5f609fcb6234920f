import { expect, test } from "vitest";
import { Emitter } from "../emitter.ts";
import { soundConstraints, soundsAlike } from "./choice.ts";
import { Voice, type Cleaned } from "./voice.ts";

const track = () => ({}) as MediaStreamTrack;

class FakeCleaned extends Emitter<{ change: undefined }> implements Cleaned {
  readonly track = track();
  running = false;
  broken = false;
  closed = false;
  wake(): void {}
  close(): void {
    this.closed = true;
  }
  become(state: Partial<{ running: boolean; broken: boolean }>): void {
    Object.assign(this, state);
    this.emit("change", undefined);
  }
}

/** A voice, and the filters that were made for it; each is made when the test says so. */
function setUp() {
  const made: FakeCleaned[] = [];
  const waiting: (() => void)[] = [];
  const events: string[] = [];
  let refuse = false;
  const clean = async () => {
    if (refuse) throw new Error("not here");
    await new Promise<void>((resolve) => waiting.push(resolve));
    const cleaned = new FakeCleaned();
    made.push(cleaned);
    return cleaned;
  };
  const voice = new Voice(() => Promise.resolve({ clean }));
  voice.on("change", () => events.push("change"));
  voice.on("failed", () => events.push("failed"));
  const settle = () => new Promise((resolve) => setTimeout(resolve));
  const build = async () => {
    await settle();
    for (const resolve of waiting.splice(0)) resolve();
    await settle();
  };
  return { voice, made, events, build, settle, refuse: () => (refuse = true) };
}

test("the raw microphone is handed out until the cleaned one runs, and whenever it does not", async () => {
  const { voice, made, events, build } = setUp();
  const raw = track();
  voice.use(raw, true);
  expect(voice.track).toBe(raw);
  await build();
  expect(voice.track).toBe(raw); // the page was not touched yet
  made[0]?.become({ running: true });
  expect(voice.track).toBe(made[0]?.track);
  expect(events).toEqual(["change"]);
  made[0]?.become({ running: false }); // a telephone call
  expect(voice.track).toBe(raw);
});

test("another microphone, and the old filter is closed; the same one again changes nothing", async () => {
  const { voice, made, build } = setUp();
  const raw = track();
  voice.use(raw, true);
  await build();
  voice.use(raw, true);
  expect(made.map((c) => c.closed)).toEqual([false]);
  const other = track();
  voice.use(other, true);
  expect(voice.track).toBe(other);
  await build();
  expect(made.map((c) => c.closed)).toEqual([true, false]);
  voice.close();
  expect(made.map((c) => c.closed)).toEqual([true, true]);
  expect(voice.track).toBeNull();
});

test("a filter that is ready too late is not used", async () => {
  const { voice, made, events, build } = setUp();
  const raw = track();
  voice.use(raw, true);
  voice.use(raw, false);
  await build();
  made[0]?.become({ running: true });
  expect(made[0]?.closed).toBe(true);
  expect(voice.track).toBe(raw);
  expect(events).toEqual([]);
});

test("where it cannot be done, or breaks, that is said and the raw microphone stays", async () => {
  const { voice, made, events, build, settle, refuse } = setUp();
  const raw = track();
  voice.use(raw, true);
  await build();
  made[0]?.become({ running: true });
  made[0]?.become({ running: false, broken: true });
  expect(voice.track).toBe(raw);
  expect(events).toEqual(["change", "failed"]);
  refuse();
  voice.use(track(), true);
  await settle();
  expect(events).toEqual(["change", "failed", "failed"]);
});

test("an echo is always canceled but for music, and noise by one of the two only", () => {
  expect(soundConstraints({ noise: "browser", music: false })).toMatchObject({
    echoCancellation: true,
    noiseSuppression: true,
  });
  expect(soundConstraints({ noise: "strong", music: false })).toMatchObject({
    echoCancellation: true,
    noiseSuppression: false,
  });
  expect(soundConstraints({ noise: "strong", music: true })).toMatchObject({
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
    channelCount: { ideal: 2 },
  });
  expect(soundsAlike({ noise: "off", music: false }, { noise: "strong", music: false })).toBe(true);
  expect(soundsAlike({ noise: "browser", music: true }, { noise: "strong", music: true })).toBe(true);
  expect(soundsAlike({ noise: "browser", music: false }, { noise: "strong", music: false })).toBe(false);
});
