import { expect, test } from "vitest";
import { equal } from "../e2ee/encode.ts";
import type { CallState } from "../state.ts";
import type { FileItem } from "../types.ts";
import type { FileChannel } from "./channel.ts";
import { decodeChunk } from "./chunk.ts";
import { memorySink } from "./sink.ts";
import { Transfers, type FileMessage } from "./transfers.ts";

/** One side: its transfers, what they show, and the line to the other side, which can be cut. */
class Side {
  files: readonly FileItem[] = [];
  other: Side | null = null;
  up = true;
  /** Chunks that still get through; then the line is cut. */
  budget = Infinity;
  stored = 0;
  room = true;
  readonly transfers: Transfers;

  constructor() {
    const state = {
      view: this.#view(),
      addFile: (item: FileItem) => (this.files = [...this.files, item]),
      setFile: (id: string, patch: Partial<FileItem>) =>
        (this.files = this.files.map((f) => (f.id === id ? { ...f, ...patch } : f))),
    };
    this.transfers = new Transfers({
      state: state as unknown as CallState,
      send: (message) => this.say(message),
      channel: () => this.#channel(),
      sink: () => {
        const sink = memorySink();
        const write = (bytes: Uint8Array) => {
          this.stored += bytes.length;
          return sink.write(bytes);
        };
        return Promise.resolve(this.room ? { ...sink, write } : null);
      },
    });
  }

  get only(): FileItem {
    const [item] = this.files;
    if (!item) throw new Error("no file");
    return item;
  }

  say(message: FileMessage): boolean {
    if (!this.up) return false;
    queueMicrotask(() => this.up && this.other?.transfers.receive(message));
    return true;
  }

  cut(): void {
    this.up = false;
    this.transfers.disconnected();
  }

  #view() {
    const files = () => this.files;
    return {
      get files() {
        return files();
      },
    };
  }

  #channel(): FileChannel {
    const open = () => this.up;
    const channel = {
      get open() {
        return open();
      },
      room: () => Promise.resolve(),
      send: (plain: Uint8Array) => {
        if (!this.up) return;
        if (this.budget-- <= 0) return this.cut();
        this.other?.transfers.take(decodeChunk(plain));
      },
    };
    return channel as unknown as FileChannel;
  }
}

function pair(): [Side, Side] {
  const [a, b] = [new Side(), new Side()];
  [a.other, b.other] = [b, a];
  return [a, b];
}

const bytes = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255);
const id = "AAAAAAAAAAAAAAAA";
const offer = (more: object): FileMessage => ({ t: "file", id, name: "x.bin", size: 10, ...more });

async function same(blob: Blob | null, content: Uint8Array): Promise<boolean> {
  return blob !== null && equal(new Uint8Array(await blob.arrayBuffer()), content);
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 5_000 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 0));
  expect(done()).toBe(true);
}

test("what is accepted arrives whole, also nothing at all", async () => {
  for (const size of [0, 1, 16_384, 700_001]) {
    const [a, b] = pair();
    const content = bytes(size);
    a.transfers.offer(new File([content], "x.bin"));
    await until(() => b.files.length === 1);
    expect(b.only).toMatchObject({ state: "offered", name: "x.bin", size });
    b.transfers.accept(b.only.id);
    await until(() => a.only.state === "done" && b.only.state === "done");
    expect(await same(b.only.blob, content)).toBe(true);
  }
});

test("after a cut it goes on where it was, and not a byte twice", async () => {
  const [a, b] = pair();
  const content = bytes(3_000_000);
  a.budget = 77;
  a.transfers.offer(new File([content], "x.bin"));
  await until(() => b.files.length === 1);
  b.transfers.accept(b.only.id);
  await until(() => !a.up);
  b.cut();
  expect([a.only.state, b.only.state]).toEqual(["paused", "paused"]);
  a.up = b.up = true;
  a.budget = Infinity;
  for (const side of [a, b]) side.transfers.connected();
  await until(() => a.only.state === "done" && b.only.state === "done");
  expect(await same(b.only.blob, content)).toBe(true);
  expect(b.stored).toBe(content.length);
});

test("declined, canceled, no room", async () => {
  const [a, b] = pair();
  a.transfers.offer(new File(["x"], "x.txt"));
  await until(() => b.files.length === 1);
  b.transfers.stop(b.only.id, "declined");
  await until(() => a.only.state === "declined");
  const [c, d] = pair();
  d.room = false;
  c.transfers.offer(new File(["x"], "x.txt"));
  await until(() => d.files.length === 1);
  d.transfers.accept(d.only.id);
  await until(() => c.only.state === "too-large" && d.only.state === "too-large");
});

test.each([
  ["more than was offered", [[0, 11]], "failed"],
  ["bytes out of order", [[5, 5]], "failed"],
  [
    "bytes twice",
    [
      [0, 5],
      [0, 5],
    ],
    "failed",
  ],
  ["other bytes than announced", [[0, 10]], "damaged"],
] as const)("a lying sender: %s", async (_, chunks, state) => {
  const [a, b] = pair();
  b.transfers.receive(offer({}));
  b.transfers.accept(id);
  await until(() => b.only.state === "moving");
  for (const [off, length] of chunks) b.transfers.take({ id, off, bytes: new Uint8Array(length) });
  b.transfers.receive({ t: "file-end", id, sha256: "0".repeat(64) });
  await until(() => b.only.state === state);
  expect(b.only.blob).toBeNull();
  expect(a.files).toEqual([]);
});

test("a lying receiver cannot ask for bytes that were never sent, nor finish a file by words", async () => {
  const [a, b] = pair();
  a.transfers.offer(new File([bytes(100)], "x.bin"));
  a.transfers.receive({ t: "file-get", id: a.only.id, off: 50 });
  expect(a.only.state).toBe("failed");
  b.transfers.receive(offer({}));
  b.transfers.receive({ t: "file-stop", id, reason: "done" });
  expect(b.files.find((f) => f.id === id)).toMatchObject({ state: "failed", blob: null });
  a.transfers.offer(new File([bytes(100)], "y.bin"));
  const second = a.files.at(-1)?.id ?? "";
  a.transfers.receive({ t: "file-stop", id: second, reason: "done" });
  expect(a.files.at(-1)).toMatchObject({ state: "failed", done: 0 });
});

test("a sender who offers and withdraws without end fills no list", () => {
  const [, b] = pair();
  for (let i = 0; i < 3_000; i++) {
    const one = String(i).padStart(16, "A");
    b.transfers.receive(offer({ id: one, size: i % 2 ? 10 : 2 ** 40 }));
    b.transfers.receive({ t: "file-stop", id: one, reason: "canceled" });
  }
  expect(b.files).toHaveLength(1_000);
});

test("huge and too many offers are refused, bytes nobody asked for are dropped", async () => {
  const [, b] = pair();
  b.transfers.receive(offer({ size: 2 ** 40 }));
  expect(b.only.state).toBe("too-large");
  for (let i = 0; i < 9; i++) b.transfers.receive(offer({ id: `BBBBBBBBBBBBBBB${i}` }));
  expect(b.files.filter((f) => f.state === "offered")).toHaveLength(4);
  b.transfers.take({ id: "CCCCCCCCCCCCCCCC", off: 0, bytes: new Uint8Array(5) });
  expect(b.stored).toBe(0);
});
