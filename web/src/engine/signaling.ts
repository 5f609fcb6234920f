import { decode, type ServerMessage } from "../protocol/decode.ts";
import {
  CloseDropped,
  CloseEnded,
  CloseJoin,
  CloseRate,
  CloseReplaced,
  CloseSize,
  PathSignaling,
  SubprotocolWeb,
  Version,
  type Create,
  type Drop,
  type End,
  type Grant,
  type Join,
  type Lock,
  type Renew,
  type Unlock,
} from "../protocol/messages.gen.ts";
import type { Code } from "./e2ee/errors.ts";
import { Emitter } from "./emitter.ts";

export type ClientMessage = Create | Join | Grant | Drop | Lock | Unlock | End | Renew;

/** Why the socket closed. A final one must not be opened again by itself. */
export interface Closed {
  readonly final: boolean;
  readonly code: Code | null; // of a final close
  readonly retryMs: number | null; // the server said when to come back
}

interface SignalingEvents {
  message: ServerMessage;
  frame: { slot: number; frame: Uint8Array };
  closed: Closed;
}

const finalCodes: Readonly<Record<number, Code>> = {
  [CloseEnded]: "E_GONE",
  [CloseReplaced]: "E_REPLACED",
  [CloseDropped]: "E_DENIED",
  [CloseRate]: "E_RATE",
  [CloseSize]: "E_SIZE",
  [CloseJoin]: "E_TIMEOUT",
};

/** The signaling URL: where this page came from, which also carries it on to a server elsewhere (`visavis ui`). */
function signalingUrl(): URL {
  const url = new URL(PathSignaling, location.origin);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  return url;
}

/**
 * One signaling socket. It does not reconnect: {@link Line} decides whether to
 * open another. Every listener dies with #lifetime.
 */
export class Signaling extends Emitter<SignalingEvents> {
  readonly #socket: WebSocket;
  readonly #lifetime = new AbortController();
  #refusal: Code | null = null;
  #retryMs: number | null = null;

  constructor() {
    super();
    this.#socket = new WebSocket(signalingUrl(), SubprotocolWeb);
    this.#socket.binaryType = "arraybuffer";
    const { signal } = this.#lifetime;
    this.#socket.addEventListener("message", (e) => this.#receive(e.data), { signal });
    this.#socket.addEventListener("close", (e) => this.#closed(e.code), { signal });
  }

  send(message: ClientMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Sends an outer frame to a slot. False if the socket is not open: the frame is lost. */
  sendFrame(slot: number, frame: Uint8Array): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    const bytes = new Uint8Array(2 + frame.length);
    new DataView(bytes.buffer).setUint16(0, slot);
    bytes.set(frame, 2);
    this.#socket.send(bytes);
    return true;
  }

  /** Closes without an event; later calls do nothing. */
  close(): void {
    if (this.#lifetime.signal.aborted) return;
    this.#lifetime.abort();
    this.#socket.close(1000);
  }

  #receive(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      if (data.byteLength < 2) return;
      const slot = new DataView(data).getUint16(0);
      this.emit("frame", { slot, frame: new Uint8Array(data, 2) });
      return;
    }
    const message = typeof data === "string" ? decode(data) : null;
    if (!message) return;
    if (message.type === "welcome" && message.version !== Version) return this.#foreign();
    // E_STATE answers a single wish, and ends nothing.
    if (message.type === "error" && message.code !== "E_STATE") this.#refusal = message.code;
    if (message.type === "joined") this.#refusal = null; // only registering was refused: the call was there already
    if (message.type === "going_away") this.#retryMs = message.retry_ms;
    this.emit("message", message);
  }

  /** A server of another version: nothing it says can be relied on, and trying again would not help. */
  #foreign(): void {
    this.close();
    this.emit("closed", { final: true, code: "E_VERSION", retryMs: null });
  }

  #closed(code: number): void {
    this.#lifetime.abort();
    // 4000–4099 are the protocol's own codes and final (protocol/close.go).
    const final = code >= 4000 && code < 4100;
    this.emit("closed", {
      final,
      code: final ? (this.#refusal ?? finalCodes[code] ?? "E_INTERNAL") : null,
      retryMs: this.#retryMs,
    });
  }
}
