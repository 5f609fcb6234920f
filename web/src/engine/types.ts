/*
 * What the engine shows to the app. Every value here is replaced, never changed
 * in place, so a reader may compare by identity. Streams are the exception: a
 * MediaStream keeps its identity while its tracks come and go.
 */

import type { CueKind, DeviceFate, FileStopReason, HeldVideo, Tested, WantedSize } from "../protocol/sealed.gen.ts";
import type { Link } from "./e2ee/link.ts";
import type { QualityReceipt } from "./quality/log.ts";
import type { NoiseMode } from "./sound/choice.ts";

/**
 * Where a call stands.
 *
 *     guest  connecting → host-away | password | ready → knocking → held? → joining → live
 *     host   connecting → alone → joining → live → alone …
 *
 * `ready` means that the handshake has proven the host: the guest may knock.
 * `joining` lasts from admission to the first bound media connection,
 * `reconnecting` from its loss to its return. `ended` is final.
 */
export type Phase =
  | "connecting"
  | "host-away"
  | "password"
  | "ready"
  | "knocking"
  | "held"
  | "alone"
  | "joining"
  | "live"
  | "reconnecting"
  | "ended";

/** Somebody at the host's door. All texts are the visitor's own claim. */
export interface Visitor {
  readonly slot: number;
  readonly name: string;
  readonly note: string;
  readonly lang: string; // BCP 47, "" if unknown
  readonly state: "knocking" | "held";
  readonly since: number; // ms since the epoch
  readonly tested: Tested | null; // what its own check found
}

/** The other party, as it says of itself (`mic`, `cam`, `screen`, `recording`) and as we know it (`bound`). */
export interface RemoteParty {
  readonly name: string;
  readonly stream: MediaStream; // empty until `bound`
  readonly mic: boolean;
  readonly cam: boolean;
  readonly screen: boolean;
  readonly screenSound: boolean; // what is shared has sound
  readonly screenStream: MediaStream; // empty until `bound` and something is shared
  readonly recording: boolean; // keeps what it receives
  readonly music: boolean; // its sound is sent as it is, in stereo
  readonly hidden: boolean; // its page is in the background
  readonly fates: DeviceFates; // its unplugged devices
  readonly held: HeldVideo | null; // why a camera that is on shows nothing
  readonly bound: boolean; // media is proven to come from the party of the handshake
}

/** What became of devices that were in use; nothing of those that are still there. */
export interface DeviceFates {
  readonly mic?: DeviceFate;
  readonly camera?: DeviceFate;
}

/** Verification words: five emoji of 64, and the same secret as nine digits, shown 3-3-3. */
export interface Words {
  readonly emoji: readonly number[]; // 0…63
  readonly names: readonly string[]; // English keys: anchor, apple …
  readonly digits: string;
}

export type Verdict = "match" | "differ";

export type Quality = "good" | "fair" | "poor";

/** How media travels. */
export interface PathInfo {
  readonly kind: "direct" | "relayed";
  readonly protocol: "udp" | "tcp" | "tls"; // of this side's part: to the other one, or to its relay
  readonly family: 4 | 6 | null; // of a direct path, where the browser tells
  readonly relay: string; // host name of the relay, "" when direct
  readonly rttMs: number | null;
  readonly quality: Quality;
}

/** What the path between the two is like while they wait, over the relay; null: not known (yet). */
export interface Rehearsed {
  readonly rttMs: number | null;
  readonly kbps: number | null; // what arrives here, at least
  readonly loss: number | null; // 0…1, of what was sent to here
}

/** What a listener shows without a word. `hand`: until it is lowered; the others pass. */
export type CueSign = Exclude<CueKind, "hand-down">;

export interface ChatMessage {
  readonly id: string;
  readonly mine: boolean;
  readonly text: string;
  readonly at: number; // ms since the epoch
  readonly delivered: boolean; // shown at the other side; always true for theirs
}

/** A file that one of the two sends to the other. Name and type are the sender's own claim, the name made safe. */
export interface FileItem {
  readonly id: string;
  readonly mine: boolean;
  readonly name: string;
  readonly size: number; // bytes
  readonly type: string;
  readonly risky: boolean; // of a kind that can run programs when opened
  readonly at: number; // ms since the epoch
  /** `paused` while there is no connection; from `done` on nothing changes any more. */
  readonly state: "offered" | "moving" | "paused" | FileStopReason;
  readonly done: number; // bytes that the receiver has stored
  readonly blob: Blob | null; // what was received, whole and checked
}

export type EndReason =
  | "hangup"
  | "peer-hangup"
  | "removed"
  | "refused"
  | "limit"
  | "differ"
  | "expired" // ended for good or over its time to live
  | "replaced" // the host opened the call elsewhere
  | "error";

/** How a call ended. */
export interface EndInfo {
  readonly reason: EndReason;
  readonly code: string | null; // E_…
  readonly message: string; // what the host wrote when refusing, else ""
  readonly durationMs: number; // of live media; 0 if it never was
  readonly verified: boolean; // both have compared the words of the last conversation
  readonly setupMs: number | null; // admission → first bound media
  readonly path: PathInfo | null; // the last one
  readonly peerName: string;
  readonly linkOver: boolean; // nobody can use the link any more, as far as this side knows
  readonly receipt: QualityReceipt | null; // of the last conversation; null if media never flowed
}

/** The latest problem worth showing. A fatal one has ended the call. */
export interface CallError {
  readonly code: string; // E_… of protocol/errors, or "offline" while the server cannot be reached
  readonly fatal: boolean;
}

/**
 * Media frames under keys of the handshake. off: one side cannot. pending: nothing verified yet in one of the two directions.
 * active: both sides have verified what they receive. failed: one of them received, or sent, what was not encrypted so.
 */
export type SFrameStatus = "off" | "pending" | "active" | "failed";

/** What protects this call: facts for the "who can see what" panel. */
export interface SecurityInfo {
  readonly handshake: boolean; // end-to-end keys agreed
  readonly password: boolean; // the link expects one
  readonly bound: boolean; // media certificate proven to belong to the handshake
  readonly certificateChecked: boolean; // compared with the live certificate (not all browsers can)
  readonly dtls: string; // "1.2", "1.3" or "" before media
  readonly srtpCipher: string;
  readonly relayOnly: boolean; // addresses hidden from the other party
  readonly epoch: number; // how often the keys were renewed, from 0
  readonly resumed: boolean; // the keys continue an earlier handshake of this call
  readonly sframe: SFrameStatus;
}

export type NoticeKind =
  | "peer-muted"
  | "peer-unmuted"
  | "peer-camera-off"
  | "peer-camera-on"
  | "peer-screen-on"
  | "peer-screen-off"
  | "peer-joined"
  | "peer-left"
  | "peer-verified" // they said the words match
  | "wrong-password" // host: somebody guessed wrong
  | "locked" // host: five wrong guesses, nobody gets in until allowMore()
  | "device-lost"
  | "device-back"
  | "peer-device-gone" // theirs was unplugged, and there is no other
  | "peer-device-other" // theirs was unplugged, another one is used
  | "peer-device-back"
  | "effects-reduced" // this machine is busy: less is done to the camera's picture
  | "effects-slow" // it could not keep up: the camera's own picture is sent
  | "effects-failed"; // what changes it could not be had, or broke

export interface Notice {
  readonly kind: NoticeKind;
  readonly device?: DeviceKind; // of the notices about devices
  readonly label?: string; // of the device now in use, "" if none
}

export interface CallEvents {
  change: undefined; // any getter may have changed
  knock: Visitor;
  chat: ChatMessage; // a new one, theirs or mine
  file: FileItem; // offered by the other party, or over
  ended: EndInfo;
  notice: Notice;
}

/**
 * Where a call keeps what must survive a reload. Values are opaque strings and
 * secret: budget belongs in localStorage, resume in sessionStorage (per tab).
 * Null removes.
 */
export interface CallStore {
  loadBudget(callId: string): string | null;
  saveBudget(callId: string, value: string): void;
  loadResume(callId: string): string | null;
  saveResume(callId: string, value: string | null): void;
}

/** What a call sends; {@link LocalMedia} is one. */
export interface OutgoingMedia {
  readonly tracks: { readonly mic: MediaStreamTrack | null; readonly camera: MediaStreamTrack | null };
  readonly micOn: boolean;
  readonly cameraOn: boolean;
  readonly fates: DeviceFates;
  /** Sound is an instrument's: sent as it is, in stereo. */
  readonly music: boolean;
  on(event: "change", listener: () => void): () => void;
}

/** What a shared screen is made for: sharp letters, or fluent pictures. */
export type ScreenMode = "text" | "motion";

/** Why nothing is shared. */
export type ScreenProblem = "unsupported" | "canceled" | "os-blocked" | "failed";

/** What a call shows of this person's screen; {@link ScreenShare} is one. */
export interface OutgoingScreen {
  readonly tracks: { readonly screen: MediaStreamTrack | null; readonly sound: MediaStreamTrack | null };
  readonly mode: ScreenMode;
  on(event: "change", listener: () => void): () => void;
}

export interface CallOptions {
  readonly link: Link;
  readonly origin: string; // scheme://host[:port] of the link
  readonly stretchedPassword?: Uint8Array; // 32 bytes, from stretchPassword()
  readonly name: string; // of the host, or of the guest if known already
  readonly title: string; // host: what the call is about
  readonly lang: string; // BCP 47, sent with a knock
  readonly waitingRoom: boolean; // host: ask before anybody gets in
  readonly limitMs: number | null; // host: the call ends this long after admission
  readonly oneTime: boolean; // host: the link dies when the host leaves, once somebody has been in
  readonly ttlMs?: number; // host: life of a new link, default 7 days
  readonly relayOnly: boolean; // never show this side's addresses to the other
  readonly dataUse: WantedSize; // how much video this device sends and wants
  readonly media: OutgoingMedia;
  readonly screen?: OutgoingScreen;
  readonly store: CallStore;
  readonly rehearse?: boolean; // open the path while somebody waits to be admitted, default true
  readonly rekeyMs?: number; // keys are renewed this often, default 30 minutes
}

/** Why there is no picture or no sound from this device. */
export type MediaProblem =
  | "blocked" // refused for this site
  | "dismissed" // the question was closed without an answer; asking again may help
  | "os-blocked" // the system refuses it to the browser
  | "in-use" // another program holds the device
  | "none" // no such device
  | "insecure" // page is not https (or localhost)
  | "unsupported" // browser has no getUserMedia
  | "unknown";

export type DeviceKind = "mic" | "camera" | "speaker";

export interface Device {
  readonly id: string;
  readonly label: string; // "" until permission was given
}

/** Devices are remembered by label: ids change with the site's storage and in private windows. */
export interface DevicePrefs {
  label(kind: DeviceKind): string | null;
  remember(kind: DeviceKind, label: string): void;
  /** Muting lets go of the microphone altogether; unmuting then takes a moment. */
  readonly releaseMic?: boolean;
  /** What becomes of noise; without a word the browser's own suppression. */
  readonly noise?: NoiseMode;
}

export interface MediaEvents {
  change: undefined; // devices, problems, on/off
  notice: Notice; // device-lost, device-back
}
