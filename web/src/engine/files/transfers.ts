import {
  LimitFileBytes,
  LimitFiles,
  LimitFileName,
  type File as FileOffer,
  type FileEnd,
  type FileGet,
  type FileStop,
  type FileStopReason,
} from "../../protocol/sealed.gen.ts";
import { toBase64Url } from "../e2ee/encode.ts";
import { secureRandom } from "../e2ee/link.ts";
import type { CallState } from "../state.ts";
import type { FileItem } from "../types.ts";
import type { FileChannel } from "./channel.ts";
import type { Chunk } from "./chunk.ts";
import { Incoming, type Outcome } from "./incoming.ts";
import { canRun, safeName } from "./name.ts";
import { Outgoing } from "./outgoing.ts";
import { openSink, type Sink } from "./sink.ts";

export type FileMessage = FileOffer | FileGet | FileEnd | FileStop;

export interface TransferConfig {
  readonly state: CallState;
  /** Over ctl; false while there is none. */
  send(message: FileMessage): boolean;
  channel(): FileChannel | null;
  /** Null: there is no room for so many bytes. */
  sink?(id: string, size: number): Promise<Sink | null>;
}

/** Of theirs, in the list; whoever offers more is not talking to a person. */
const LIMIT_LISTED = 1_000;

const unfinished: ReadonlySet<FileItem["state"]> = new Set(["offered", "moving", "paused"]);

/**
 * The files of a conversation, both ways. They outlive connections: the sender offers again what is not finished, and the
 * receiver says from where it goes on.
 */
export class Transfers {
  readonly #config: TransferConfig;
  readonly #out = new Map<string, Outgoing>();
  readonly #in = new Map<string, Incoming>();
  readonly #opening = new Set<string>(); // accepted, the sink is being made

  constructor(config: TransferConfig) {
    this.#config = config;
  }

  /** Offers a file to the other party. */
  offer(file: File): void {
    const id = toBase64Url(secureRandom(12));
    const name = safeName(file.name);
    const { size, type } = file;
    this.#add({ id, mine: true, name, size, type });
    if (size > LimitFileBytes) return this.#set(id, { state: "too-large" });
    if (this.#count(true) > LimitFiles) return this.#set(id, { state: "busy" });
    const outgoing = new Outgoing(id, file, {
      progress: (done) => this.#set(id, { done }),
      ended: (sha256) => void this.#config.send({ t: "file-end", id, sha256 }),
      failed: () => this.stop(id, "failed"),
    });
    this.#out.set(id, outgoing);
    this.#announce(id);
  }

  /** Takes a file that was offered. */
  accept(id: string): void {
    const item = this.#item(id);
    if (!item || item.mine || item.state !== "offered" || this.#opening.has(id)) return;
    this.#opening.add(id);
    void this.#open(id, item.size);
  }

  /** Declines or cancels, and says so. */
  stop(id: string, reason: FileStopReason): void {
    const item = this.#item(id);
    if (!item || !unfinished.has(item.state)) return;
    this.#config.send({ t: "file-stop", id, reason });
    this.#end(id, reason === "done" ? "failed" : reason);
  }

  /** A connection is there, the first or another: what is not finished is offered again. */
  connected(): void {
    for (const id of this.#out.keys()) this.#announce(id);
  }

  disconnected(): void {
    for (const outgoing of this.#out.values()) outgoing.halt();
    for (const item of this.#items) if (item.state === "moving") this.#set(item.id, { state: "paused" });
  }

  receive(message: FileMessage): void {
    const item = this.#item(message.id);
    if (message.t === "file") return item ? this.#offeredAgain(item) : this.#offered(message);
    if (!item) return;
    if (message.t === "file-stop") return this.#stopped(item, message.reason);
    if (message.t === "file-end") return item.mine ? undefined : this.#in.get(item.id)?.expect(message.sha256);
    if (item.mine) this.#get(item, message.off);
  }

  take({ id, off, bytes }: Chunk): void {
    this.#in.get(id)?.take(off, bytes); // none: it was canceled while this was on its way
  }

  /** The conversation is over: what is not finished never will be. */
  close(): void {
    for (const { id, state } of this.#items) if (unfinished.has(state)) this.#end(id, "failed");
  }

  get #items(): readonly FileItem[] {
    return this.#config.state.view.files;
  }

  #item(id: string): FileItem | undefined {
    return this.#items.find((item) => item.id === id);
  }

  #count(mine: boolean): number {
    return this.#items.filter((item) => item.mine === mine && unfinished.has(item.state)).length;
  }

  #add(item: Pick<FileItem, "id" | "mine" | "name" | "size" | "type">): void {
    const risky = canRun(item.name);
    this.#config.state.addFile({ ...item, risky, at: Date.now(), state: "offered", done: 0, blob: null });
  }

  #set(id: string, patch: Partial<FileItem>): void {
    this.#config.state.setFile(id, patch);
  }

  #announce(id: string): void {
    const item = this.#item(id);
    if (!item) return;
    const { name, size, type } = item;
    this.#config.send({ t: "file", id, name, size, ...(type && { type }) });
  }

  #offered({ id, name, size, type = "" }: FileOffer): void {
    const refuse = (reason: FileStopReason) => void this.#config.send({ t: "file-stop", id, reason });
    if (this.#items.filter((item) => !item.mine).length >= LIMIT_LISTED) return refuse("busy");
    if (size > LimitFileBytes) {
      this.#add({ id, mine: false, name: safeName(name), size, type });
      this.#set(id, { state: "too-large" });
      return refuse("too-large");
    }
    if (this.#count(false) >= LimitFiles) return refuse("busy");
    this.#add({ id, mine: false, name: safeName([...name].slice(0, 4 * LimitFileName).join("")), size, type });
  }

  /** Over a new connection: it goes on, or its end is said once more. */
  #offeredAgain({ id, mine, state }: FileItem): void {
    const incoming = this.#in.get(id);
    if (mine) return;
    if (incoming) this.#resume(id, incoming);
    else if (state === "done") this.#config.send({ t: "file-stop", id, reason: "done" });
    else if (!unfinished.has(state)) this.#config.send({ t: "file-stop", id, reason: "canceled" });
  }

  #resume(id: string, incoming: Incoming): void {
    incoming.grant(incoming.received);
    if (this.#config.send({ t: "file-get", id, off: incoming.received })) this.#set(id, { state: "moving" });
  }

  /** The first on this connection begins, the others confirm. */
  #get(item: FileItem, off: number): void {
    const outgoing = this.#out.get(item.id);
    const channel = this.#config.channel();
    if (!outgoing || !channel) return;
    if (item.state === "moving") return outgoing.confirm(off);
    this.#set(item.id, { state: "moving", done: off });
    if (!outgoing.begin(channel, off)) this.stop(item.id, "failed");
  }

  #stopped({ id, mine, state, size }: FileItem, reason: FileStopReason): void {
    if (!unfinished.has(state)) return;
    if (reason !== "done") return this.#end(id, reason);
    // Nobody has what did not leave yet.
    const arrived = mine && this.#out.get(id)?.sent === true;
    if (arrived) this.#set(id, { done: size });
    this.#end(id, arrived ? "done" : "failed");
  }

  async #open(id: string, size: number): Promise<void> {
    const sink = await (this.#config.sink ?? openSink)(id, size).catch(() => null);
    this.#opening.delete(id);
    if (this.#item(id)?.state !== "offered") return void sink?.discard();
    if (!sink) return this.stop(id, "too-large");
    const incoming = new Incoming(size, sink, {
      stored: (done) => {
        this.#set(id, { done });
        incoming.grant(done);
        // Without a connection, or before the offer came again over a new one, it would be taken for the place to go on.
        if (this.#item(id)?.state === "moving") this.#config.send({ t: "file-get", id, off: done });
      },
      over: (outcome) => this.#received(id, outcome),
    });
    this.#in.set(id, incoming);
    this.#set(id, { state: "paused" });
    this.#resume(id, incoming);
  }

  #received(id: string, outcome: Outcome): void {
    if (typeof outcome === "string") return this.stop(id, outcome);
    this.#in.delete(id);
    const size = this.#item(id)?.size ?? 0;
    this.#set(id, { state: "done", done: size, blob: outcome.blob });
    this.#config.send({ t: "file-stop", id, reason: "done" });
  }

  #end(id: string, state: Exclude<FileItem["state"], "offered" | "moving" | "paused">): void {
    this.#out.get(id)?.halt();
    void this.#in.get(id)?.discard();
    this.#out.delete(id);
    this.#in.delete(id);
    this.#set(id, { state });
  }
}
