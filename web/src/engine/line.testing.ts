import { vi } from "vitest";

/** A WebSocket whose other end is the test. */
export class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readonly url: string;
  readonly protocol: string;
  readyState = 0;
  binaryType = "";
  readonly sent: unknown[] = [];

  constructor(url: URL, protocol: string) {
    super();
    this.url = url.href;
    this.protocol = protocol;
    FakeSocket.all.push(this);
  }

  static get latest(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  send(data: unknown): void {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }

  close(): void {
    this.readyState = 3;
  }

  say(message: object): void {
    this.readyState = FakeSocket.OPEN;
    this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(message) }));
  }

  drop(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

const limits = { frame_bytes: 1, frames_per_second: 1, frames_burst: 1, join_ms: 1, waiting: 4, max_ttl_ms: 1 };
export const welcome = { type: "welcome", version: 1, nonce: "A".repeat(43), time_ms: 0, limits, stun: ["stun:x:1"] };
export const joined = { type: "joined", slot: 0 };

export const ice = { type: "ice", ice: { servers: [], expires_ms: 0 } };
export const away = { type: "host", online: false };

/** The world of a line: a clock, and sockets that the test answers. */
export function fakeWorld(): void {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("location", { origin: "https://call.example" });
  FakeSocket.all = [];
}

export function realWorld(): void {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
}
