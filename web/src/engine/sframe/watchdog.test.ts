import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { StreamCounts } from "./messages.ts";
import { Watchdog, type Verdict } from "./watchdog.ts";

const LOOK_MS = 300;

/** Looks at a stream of 30 frames a second until something is said; `each` changes the counters of one look. */
function watch(direction: "send" | "receive", each: (c: Counters, look: number) => void, ms = 20_000) {
  const dog = new Watchdog(direction);
  const c: Counters = { browser: 0, id: 0, entered: 0, left: 0, good: 0, failures: 0, waiting: false, busy: false };
  let verdict: Verdict = "ok";
  let at = 0;
  for (let look = 0; verdict === "ok" && at <= ms; look++, at += LOOK_MS) {
    const { browser, ...counts } = c;
    verdict = dog.judge({ at, browser, counts });
    each(c, look);
  }
  return { verdict, after: at - LOOK_MS };
}

type Counters = { browser: number } & { -readonly [K in keyof StreamCounts]: StreamCounts[K] };

const healthy = (c: Counters) => {
  c.browser += 9;
  c.entered += 9;
  c.left += 9;
  c.good += 9;
};

test.each(["send", "receive"] as const)("%s: frames that go through the transform are fine", (direction) => {
  expect(watch(direction, healthy).verdict).toBe("ok");
});

test.each(["send", "receive"] as const)("A34, A35: %s past the transform fails within a second", (direction) => {
  const { verdict, after } = watch(direction, (c) => (c.browser += 9));
  expect(verdict).toBe("failed");
  expect(after).toBeLessThanOrEqual(1_000);
});

test("a camera that is switched off between the reading of two counters is no alarm", () => {
  const { verdict } = watch("send", (c, look) => {
    if (look < 3) healthy(c);
    else if (look === 3) c.browser += 9; // counted by the worker already, at the look before
  });
  expect(verdict).toBe("ok");
});

test.each(["send", "receive"] as const)(
  "%s: a frame that is worked on for long keeps others waiting, and none goes past",
  (direction) => {
    const { verdict } = watch(direction, (c, look) => {
      if (look < 3) return healthy(c);
      c.browser += 9;
      c.busy = look < 20;
      if (look >= 20) c.entered = c.left = c.good = c.browser;
    });
    expect(verdict).toBe("ok");
  },
);

test("A36: frames of which none authenticates fail within a second", () => {
  const { verdict, after } = watch("receive", (c) => {
    c.entered += 9;
    c.failures += 9;
  });
  expect(verdict).toBe("failed");
  expect(after).toBeLessThanOrEqual(1_000);
});

test("a hundred failures in a row fail, however good it was before", () => {
  const { verdict } = watch("receive", (c, look) => {
    healthy(c);
    if (look === 3) c.failures = 101;
  });
  expect(verdict).toBe("failed");
});

test("repeats and single failures are no alarm", () => {
  const { verdict } = watch("receive", (c, look) => {
    healthy(c);
    c.entered += look % 3;
  });
  expect(verdict).toBe("ok");
});

test("missing keys are asked for after two seconds", () => {
  const { verdict, after } = watch("receive", (c, look) => {
    c.entered += 1;
    c.waiting = look > 0;
  });
  expect(verdict).toBe("needs-keys");
  expect(after).toBeGreaterThanOrEqual(2_000);
  expect(after).toBeLessThan(3_000);
});

test("A34: no transceiver of the engine is two-way, where Chromium skips transforms", () => {
  const engine = new URL("../", import.meta.url);
  const files = readdirSync(engine, { recursive: true, encoding: "utf8" }).filter((f) => /(?<!\.test)\.ts$/.test(f));
  const code = files.map((f) => readFileSync(new URL(f, engine), "utf8").replace(/\/\*[^]*?\*\/|\/\/.*$/gm, ""));
  const calls = code.flatMap((text) => text.match(/\.addTransceiver\([^;]*?\)/g) ?? []);
  expect(calls.length).toBeGreaterThan(3);
  for (const call of calls) expect(call).toMatch(/"(?:sendonly|recvonly)"/);
  expect(code.filter((text) => /sendrecv|\.addTrack\(.*,/.test(text))).toEqual([]);
});
