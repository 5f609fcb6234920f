import { guestLink } from "../engine/e2ee/derive.ts";
import { fromBase64Url, toBase64Url } from "../engine/e2ee/encode.ts";
import { codeOf } from "../engine/e2ee/errors.ts";
import { parseFragment, type Link } from "../engine/e2ee/link.ts";
import type { ChatMessage, FileItem, Notice, Visitor } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { App } from "./app.ts";
import { Claim } from "./claim.ts";
import { CallModel } from "./call.svelte.ts";
import { callStore } from "./callstore.ts";
import { Doorbell } from "./doorbell.ts";
import { EffectsModel } from "./effects.svelte.ts";
import type { Engine } from "./engine.ts";
import { fileNotice } from "./files.ts";
import { MediaModel } from "./media.svelte.ts";
import { noticeText } from "./notices.ts";
import { idOf, remember } from "./remember.ts";
import { chooseGuest, ownCall } from "./ownlink.ts";
import { ShareModel } from "./share.svelte.ts";
import { sentence } from "./sentence.ts";
import { stageOf, type Stage } from "./stage.ts";
import { startLike } from "./startlike.ts";
import { Surroundings } from "./surroundings.ts";

/**
 * The page of one call, from the link to the receipt. It owns the engine's call
 * and the devices, and closes both; views read it and send it what people do.
 */
export class CallPage {
  readonly #app: App;
  readonly #engine: Engine;
  readonly #doorbell = new Doorbell(document);
  #listening: (() => void)[] = [];
  #surroundings: Surroundings | null = null;
  #met: string | undefined; // the name that is in the record
  #kept: string | null = null; // stretched password that was entered here, base64url
  #claim: Claim | null = null; // host: this tab has the call
  #link = $state.raw<Link | null>(null);
  #question = $state<"own" | "elsewhere" | null>(null);
  #broken = $state.raw<string | null>(null); // E_… of the link, or "" when there is none
  #call = $state.raw<CallModel | null>(null);
  #media = $state.raw<MediaModel | null>(null);
  #effects = $state.raw<EffectsModel | null>(null);
  #share = $state.raw<ShareModel | null>(null);
  #starting = $state(false);
  #entered = $state(false); // the person has pressed the button of the lobby
  #asked = $state(false); // the knock has got as far as the host or the queue for the host
  #chatOpen = $state(false);
  #unread = $state(0);

  constructor(app: App, engine: Engine) {
    this.#app = app;
    this.#engine = engine;
  }

  get stage(): Stage {
    return stageOf({
      broken: this.#broken !== null,
      question: this.#question !== null,
      locked: this.#link !== null && this.#call === null,
      role: this.#call?.now.role ?? "guest",
      phase: this.#call?.now.phase ?? null,
      entered: this.#entered,
      asked: this.#asked,
    });
  }

  get broken(): string | null {
    return this.#broken;
  }
  /** `own`: the guest's link of a call that is hosted here. `elsewhere`: another tab has the call. */
  get question(): "own" | "elsewhere" | null {
    return this.#question;
  }
  /** Only read in stages that have a call. */
  get call(): CallModel {
    if (!this.#call) throw new Error("no call yet");
    return this.#call;
  }
  get media(): MediaModel {
    if (!this.#media) throw new Error("no devices yet");
    return this.#media;
  }
  get effects(): EffectsModel {
    if (!this.#effects) throw new Error("no devices yet");
    return this.#effects;
  }
  get share(): ShareModel {
    if (!this.#share) throw new Error("no screen yet");
    return this.#share;
  }
  get starting(): boolean {
    return this.#starting;
  }
  /** The guest has pressed the button and the handshake is not through. */
  get asking(): boolean {
    return this.#entered && !this.#asked;
  }
  /** Names the call on this device. */
  get id(): string {
    return this.#link ? idOf(this.#link) : "";
  }
  get hasPassword(): boolean {
    return this.#link?.hasPassword ?? false;
  }
  get guestUrl(): string {
    return this.#link?.host ? guestLink(this.#link).url(this.#app.origin) : "";
  }
  get peerName(): string {
    const call = this.#call;
    if (!call) return "";
    return call.peerName(call.now.end?.peerName || (call.now.role === "host" ? m.call_guest() : m.call_host()));
  }
  get unread(): number {
    return this.#unread;
  }

  set chatOpen(open: boolean) {
    this.#chatOpen = open;
    if (!open) return;
    this.#unread = 0;
    this.#app.toasts.clear("chat"); // the chat itself says it now
  }

  open(): void {
    const fragment = this.#app.tabLink.get();
    if (!fragment) {
      this.#broken = "";
      return;
    }
    let link: Link;
    try {
      link = parseFragment(fragment);
    } catch (error) {
      this.#broken = codeOf(error);
      return;
    }
    if (link.host) void this.#take(link, false);
    else if (ownCall(fragment, this.#app.recent.list, this.#app.session)) this.#question = "own";
    else this.#enterLink(link);
  }

  /** Answers `own`: as the host. */
  asHost(): void {
    const { tabLink, recent, session } = this.#app;
    const own = ownCall(tabLink.get() ?? "", recent.list, session);
    if (own) tabLink.set(own.fragment);
    this.#question = null;
    this.open();
  }

  /** Answers `own`: as a guest after all. */
  asGuest(): void {
    chooseGuest(this.#app.tabLink.get() ?? "", this.#app.session);
    this.#question = null;
    this.open();
  }

  /** Answers `elsewhere`: the other tab steps back. */
  continueHere(): void {
    this.#question = null;
    void this.#take(parseFragment(this.#app.tabLink.get() ?? ""), true);
  }

  async #take(link: Link, steal: boolean): Promise<void> {
    const claim = (this.#claim = new Claim(idOf(link)));
    const ours = (await claim.take(steal)) || steal;
    if (claim !== this.#claim) return claim.release(); // the page has gone on
    if (ours) this.#enterLink(link);
    else this.#question = "elsewhere";
  }

  #enterLink(link: Link): void {
    this.#link = link;
    // A host who opens the call on another device has to say its password there.
    const { host, hasPassword } = link;
    const kept = (host && this.#app.recent.get(idOf(link))?.password) || null;
    if (kept || !host || !hasPassword) this.#begin(link, kept ? fromBase64Url(kept) : undefined);
  }

  /** The host says the password of the own call. Throws E_PASSWORD_FORM. */
  async unlock(password: string): Promise<void> {
    const link = this.#link;
    if (!link) return;
    const stretched = await this.#engine.stretch(link, password);
    this.#kept = toBase64Url(stretched);
    this.#begin(link, stretched);
  }

  /** Remembers the name; a host's visitors are told at once. */
  rename(name: string): void {
    this.#app.preferences.setName(name);
    this.call.now.setName(name);
  }

  /** The button of the lobby. */
  async enter(name: string, note: string, password: string): Promise<void> {
    const { now } = this.call;
    this.rename(name);
    this.#entered = true;
    if (now.role === "host") return;
    if (password && (now.phase === "password" || now.security.handshake === false)) {
      try {
        await now.setPassword(password);
      } catch (error) {
        this.#entered = false;
        throw error;
      }
    }
    now.knock(name, note, this.#app.tested.claim());
    this.#changed();
  }

  /** By keyboard: no switch has the focus, so the new state is said. Resolves with the words. */
  async toggle(device: "mic" | "camera"): Promise<string> {
    const mic = device === "mic";
    const on = await (mic ? this.media.toggleMic() : this.media.toggleCamera());
    const text = mic
      ? on
        ? m.notice_mic_on()
        : m.notice_mic_off()
      : on
        ? m.notice_camera_self_on()
        : m.notice_camera_self_off();
    this.#app.toasts.show(text, { icon: mic ? (on ? "mic" : "mic-off") : on ? "video" : "video-off", ms: 1500 });
    return text;
  }

  /** Admits from wherever the host is; the call is entered with it. */
  admit(slot: number): void {
    this.#entered = true;
    this.call.now.admit(slot);
  }

  /** Another call with the same settings and a link of its own. */
  newLink(): Promise<void> {
    return startLike(this.#app, this.#link ? idOf(this.#link) : "");
  }

  /** Makes the link useless, for everybody and for ever. */
  endForGood(): void {
    this.call.now.endForGood();
  }

  /** False for a link that was good for one call only, or that the host has ended. */
  get reusable(): boolean {
    return !this.call.now.end?.linkOver;
  }

  /** The same link once more, through the lobby. */
  again(): void {
    this.#stop();
    this.open();
  }

  close(): void {
    this.#stop();
    this.#doorbell.close();
  }

  #begin(link: Link, stretchedPassword: Uint8Array | undefined): void {
    const { preferences, recent, origin } = this.#app;
    const record = recent.get(idOf(link));
    const media = this.#engine.media(preferences);
    const screen = this.#engine.screen();
    const call = this.#engine.call({
      link,
      origin,
      name: preferences.name,
      title: record?.title ?? "",
      lang: preferences.language.current,
      waitingRoom: record?.waitingRoom ?? true,
      limitMs: record?.limitMs ?? null,
      oneTime: record?.oneTime ?? false,
      relayOnly: preferences.relayOnly || (record?.relayOnly ?? false),
      dataUse: preferences.dataUse,
      rehearse: preferences.rehearse,
      media: media as never,
      screen: screen as never,
      store: callStore(this.#app.local, this.#app.session),
      ...(stretchedPassword && { stretchedPassword }),
    });
    this.#media = new MediaModel(media);
    const effects = (this.#effects = new EffectsModel(this.#media, preferences, this.#app.pictures));
    this.#share = new ShareModel(screen);
    this.#call = new CallModel(call);
    this.#entered = this.#asked = call.resuming;
    this.#listening = [
      call.on("change", () => this.#changed()),
      call.on("knock", (visitor) => this.#knock(visitor)),
      call.on("notice", (notice) => this.#notice(notice)),
      call.on("chat", (message) => this.#chatted(message)),
      call.on("file", (item) => this.#file(item)),
      call.on("ended", () => this.#ended()),
      media.on("notice", (notice) => this.#notice(notice)),
      screen.on("ended", () => this.#app.toasts.show(m.share_ended(), { icon: "monitor-off" })),
    ];
    this.#surroundings = new Surroundings({
      call,
      media,
      name: () => this.peerName,
      talking: () => this.#app.toasts.show(m.truth_talking(), { icon: "mic-off" }),
      noisy: () => this.#app.toasts.show(m.sound_noisy(), { icon: "volume-2", ms: 10_000 }),
    });
    call.start();
    this.#starting = true;
    void effects
      .restore()
      .then(() => media.start({ mic: true, camera: !preferences.audioOnly }))
      .finally(() => (this.#starting = false));
  }

  #changed(): void {
    const call = this.#call?.now;
    if (!call) return;
    this.#app.tabLink.inCall = ["joining", "live", "reconnecting"].includes(call.phase);
    if (!call.visitors.some((visitor) => visitor.state === "knocking")) this.#doorbell.quiet();
    if (call.phase === "live" && call.remote?.name !== this.#met) this.#remember();
    if (call.role === "host" || !this.#entered) return;
    if (call.phase === "password" && call.error) this.#entered = this.#asked = false;
    if (["knocking", "held", "host-away", "joining", "live"].includes(call.phase)) this.#asked = true;
  }

  #knock(visitor: Visitor): void {
    const name = visitor.name || m.knock_nameless();
    this.#doorbell.ring({ title: m.knock_tab({ name }), notification: m.knock_notification({ name }) });
    // Alone, the host has the card before the eyes.
    this.#app.toasts.show(m.knock_announce({ name }), { icon: "bell", spoken: this.#call?.now.phase === "alone" });
  }

  #notice(notice: Notice): void {
    const said = noticeText(notice, this.peerName);
    if (said) this.#app.toasts.show(sentence(said.text), { ...said, spoken: notice.kind === "peer-left" });
  }

  #chatted(message: ChatMessage): void {
    if (message.mine || this.#chatOpen) return;
    this.#unread++;
    const text = message.text.length > 80 ? `${message.text.slice(0, 80)}…` : message.text;
    this.#app.toasts.show(sentence(m.notice_chat({ name: this.peerName, text })), {
      icon: "message-square",
      topic: "chat",
    });
  }

  #file(item: FileItem): void {
    const said = fileNotice(item, this.peerName, this.#app.preferences.language.current);
    if (item.state === "offered" && !this.#chatOpen) this.#unread++;
    // In the open chat it stands before the eyes.
    if (said) this.#app.toasts.show(sentence(said), { icon: "file", topic: "chat", spoken: this.#chatOpen });
  }

  #ended(): void {
    this.#claim?.release();
    this.#surroundings?.close();
    this.#doorbell.quiet();
    this.#media?.now.close(); // the camera light goes out with the call
    this.#share?.now.stop();
    this.#remember();
  }

  #remember(): void {
    const call = this.#call?.now;
    if (this.#link && call && remember(this.#app.recent, this.#link, call, this.#kept)) this.#met = call.remote?.name;
  }

  #stop(): void {
    for (const off of this.#listening) off();
    this.#listening = [];
    this.#surroundings?.close();
    this.#surroundings = null;
    this.#claim?.release();
    this.#claim = this.#question = null;
    this.#app.tabLink.inCall = false;
    this.#doorbell.quiet();
    this.#call?.close();
    this.#media?.now.close();
    this.#share?.now.stop();
    this.#call = this.#media = this.#effects = this.#share = this.#broken = this.#link = null;
    this.#entered = this.#asked = false;
    this.#unread = 0;
  }
}
