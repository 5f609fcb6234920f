import { createSubscriber } from "svelte/reactivity";
import type { Call } from "../engine/call.ts";
import type { FileItem } from "../engine/types.ts";
import { saveFile } from "./files.ts";
import { Unsaved } from "./unsaved.ts";

export type { ChatMessage, EndInfo, FileItem, Visitor } from "../engine/types.ts";

/** The engine's call without its private parts, so that a scripted one can stand in. */
export type CallLike = Pick<Call, keyof Call>;

/**
 * The call as the UI reads it. Reading `now` re-runs the reader whenever the
 * engine says that something has changed; commands go to the same object.
 */
export class CallModel {
  readonly #call: CallLike;
  readonly #subscribe: () => void;
  readonly #unsaved = new Unsaved(window);
  readonly #unhear: () => void;

  constructor(call: CallLike) {
    this.#call = call;
    this.#subscribe = createSubscriber((update) => call.on("change", update));
    this.#unhear = call.on("file", () => this.#unsaved.look(call.files));
  }

  get now(): CallLike {
    this.#subscribe();
    return this.#call;
  }

  /** Saves a file that was received. */
  save(item: FileItem): void {
    saveFile(item);
    this.#unsaved.saved(item.id);
    this.#unsaved.look(this.#call.files);
  }

  /** Lets go of the call, and of what it left in the page. */
  close(): void {
    this.#unhear();
    this.#unsaved.close();
    this.#call.close();
  }

  /** A guest who has nobody's name yet, or a host whose guest has none: the caller says what to show instead. */
  peerName(fallback: string): string {
    const call = this.now;
    const name = call.remote?.name || (call.role === "guest" ? call.hostName : "");
    return name || fallback;
  }

  /** Both people have said that the words match. */
  get verified(): boolean {
    return this.now.verifiedMine === "match" && this.now.verifiedTheirs === "match";
  }
}
