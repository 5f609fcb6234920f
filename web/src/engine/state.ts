import type { HeldVideo, WantedSize } from "../protocol/sealed.gen.ts";
import type {
  CallError,
  CallEvents,
  CallOptions,
  CueSign,
  ChatMessage,
  EndInfo,
  FileItem,
  Notice,
  PathInfo,
  Phase,
  Rehearsed,
  RemoteParty,
  SecurityInfo,
  Verdict,
  Visitor,
  Words,
} from "./types.ts";
import { next, type PhaseEvent } from "./next.ts";
import type { Finding } from "./quality/diagnose.ts";
import type { QualityReceipt } from "./quality/log.ts";

/** All that a call shows. Replaced field by field through {@link CallState.set}. */
export interface CallView {
  phase: Phase;
  error: CallError | null;
  attemptsLeft: number | null;
  visitors: readonly Visitor[];
  remote: RemoteParty | null;
  hostName: string;
  title: string;
  holdMessage: string;
  words: Words | null;
  verifiedMine: Verdict | null;
  verifiedTheirs: Verdict | null;
  path: PathInfo | null;
  liveSince: number | null;
  limitMs: number | null;
  endsAt: number | null;
  chat: readonly ChatMessage[];
  files: readonly FileItem[];
  cues: readonly CueSign[]; // that the other party shows just now
  handUp: boolean; // this person's
  locked: boolean;
  end: EndInfo | null;
  security: SecurityInfo;
  needsGesture: boolean;
  relayOnly: boolean;
  rehearsed: Rehearsed | null; // the path that is open while somebody waits
  dataUse: WantedSize;
  held: HeldVideo | null;
  expiresAt: number | null;
  weak: Finding | null; // what troubles the call just now
  peerAway: boolean; // the server has lost the other party
  receipt: QualityReceipt | null; // of the conversation before
}

type Emit = <K extends keyof CallEvents>(event: K, value: CallEvents[K]) => void;

/** The one place that holds what a call shows; the parts of the engine write, `Call` reads. */
export class CallState {
  readonly options: CallOptions;
  readonly #emit: Emit;
  #view: Readonly<CallView>;
  #holding: ReturnType<typeof setTimeout> | null = null;
  #held: Notice[] = [];

  constructor(options: CallOptions, emit: Emit, view: CallView) {
    this.options = options;
    this.#emit = emit;
    this.#view = view;
  }

  get view(): Readonly<CallView> {
    return this.#view;
  }

  set(patch: Partial<CallView>): void {
    this.#view = { ...this.#view, ...patch };
    if (this.#holding === null) this.#emit("change", undefined);
  }

  /**
   * Keeps changes and notices to itself until {@link tell}, `ms` at most: drawing the page takes this thread longer
   * than all it has to do for the connection, so that goes first. What is read is never old.
   */
  hold(ms: number): void {
    this.#holding ??= setTimeout(() => this.tell(), ms);
  }

  tell(): void {
    if (this.#holding === null) return;
    clearTimeout(this.#holding);
    this.#holding = null;
    this.#emit("change", undefined);
    for (const notice of this.#held.splice(0)) this.#emit("notice", notice);
  }

  /** Moves the phase, together with what changes at the same moment. Returns false, and does nothing, if the event means nothing now. */
  move(event: PhaseEvent, patch: Partial<CallView> = {}): boolean {
    const phase = next(this.#view.phase, event);
    if (phase === null) return false;
    this.set({ ...patch, phase });
    return true;
  }

  notice(notice: Notice): void {
    if (this.#holding === null) this.#emit("notice", notice);
    else this.#held.push(notice);
  }

  knock(visitor: Visitor): void {
    this.#emit("knock", visitor);
  }

  addChat(message: ChatMessage): void {
    this.set({ chat: [...this.#view.chat, message] });
    this.#emit("chat", message);
  }

  markDelivered(id: string): void {
    this.set({ chat: this.#view.chat.map((c) => (c.mine && c.id === id ? { ...c, delivered: true } : c)) });
  }

  addFile(item: FileItem): void {
    this.set({ files: [...this.#view.files, item] });
    if (!item.mine) this.#emit("file", item);
  }

  setFile(id: string, patch: Partial<FileItem>): void {
    const before = this.#view.files.find((item) => item.id === id);
    if (!before) return;
    const item = { ...before, ...patch };
    this.set({ files: this.#view.files.map((old) => (old.id === id ? item : old)) });
    const going = ["offered", "moving", "paused"];
    if (going.includes(before.state) && !going.includes(item.state)) this.#emit("file", item);
  }

  /** Host: forgets everything about the guest who has left. */
  aloneAgain(code: string | null): void {
    const { security } = this.#view;
    this.move("peer-gone", {
      remote: null,
      held: null,
      words: null,
      verifiedMine: null,
      verifiedTheirs: null,
      path: null,
      liveSince: null,
      endsAt: null,
      chat: [],
      cues: [],
      handUp: false,
      files: this.#view.files.filter((item) => item.blob !== null), // what was received is not taken away
      error: code === null ? null : { code, fatal: false },
      security: {
        ...security,
        handshake: false,
        bound: false,
        certificateChecked: false,
        resumed: false,
        sframe: "pending",
      },
    });
  }

  finish(end: EndInfo): void {
    const ended = this.move("ended", { end, remote: null, visitors: [] });
    this.tell();
    if (ended) this.#emit("ended", end);
  }
}

export function initialView(options: CallOptions, role: "host" | "guest"): CallView {
  return {
    phase: "connecting",
    error: null,
    attemptsLeft: null,
    visitors: [],
    remote: null,
    hostName: role === "host" ? options.name : "",
    title: role === "host" ? options.title : "",
    holdMessage: "",
    words: null,
    verifiedMine: null,
    verifiedTheirs: null,
    path: null,
    liveSince: null,
    limitMs: role === "host" ? options.limitMs : null,
    endsAt: null,
    chat: [],
    files: [],
    cues: [],
    handUp: false,
    locked: false,
    end: null,
    security: {
      handshake: false,
      password: false,
      bound: false,
      certificateChecked: false,
      dtls: "",
      srtpCipher: "",
      relayOnly: options.relayOnly,
      epoch: 0,
      resumed: false,
      sframe: "pending",
    },
    needsGesture: false,
    relayOnly: options.relayOnly,
    dataUse: options.dataUse,
    held: null,
    expiresAt: null,
    weak: null,
    peerAway: false,
    rehearsed: null,
    receipt: null,
  };
}
