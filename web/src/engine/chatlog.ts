import { LimitChat, type Chat, type ChatAck } from "../protocol/sealed.gen.ts";
import { toBase64Url } from "./e2ee/encode.ts";
import { secureRandom } from "./e2ee/link.ts";
import type { CallState } from "./state.ts";
import { cleanText } from "./text.ts";

const LIMIT_REMEMBERED = 1_000; // ids of theirs, to recognise what was sent twice

/**
 * Chat over a channel that may be replaced: what was not acknowledged is sent
 * again, and what arrives twice is shown once.
 */
export class ChatLog {
  readonly #state: CallState;
  readonly #send: (message: Chat | ChatAck) => boolean;
  readonly #seen = new Set<string>();

  constructor(state: CallState, send: (message: Chat | ChatAck) => boolean) {
    this.#state = state;
    this.#send = send;
    for (const { id, mine } of state.view.chat) if (!mine) this.#seen.add(id); // from before a reload
  }

  write(input: string): void {
    const text = cleanText(input, LimitChat);
    if (text === "") return;
    const id = toBase64Url(secureRandom(12));
    this.#state.addChat({ id, mine: true, text, at: Date.now(), delivered: false });
    this.#send({ t: "chat", id, text });
  }

  receive(message: Chat | ChatAck): void {
    if (message.t === "chat-ack") {
      this.#state.markDelivered(message.id);
      return;
    }
    if (!this.#seen.has(message.id)) {
      if (this.#seen.size >= LIMIT_REMEMBERED) return; // not shown, so not acknowledged
      this.#seen.add(message.id);
      this.#state.addChat({ id: message.id, mine: false, text: message.text, at: Date.now(), delivered: true });
    }
    this.#send({ t: "chat-ack", id: message.id });
  }

  /** The channel is there (again). */
  resend(): void {
    for (const { mine, delivered, id, text } of this.#state.view.chat) {
      if (mine && !delivered) this.#send({ t: "chat", id, text });
    }
  }
}
