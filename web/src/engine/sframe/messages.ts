/** What the page and the frame worker say to each other. */
import type { LinkRole } from "../e2ee/link.ts";
import type { FrameKind } from "./profile.ts";

/** The options of an RTCRtpScriptTransform: which stream it is. */
export interface StreamOptions {
  readonly id: number;
  readonly direction: "send" | "receive";
  readonly kind: FrameKind;
}

export type ToWorker =
  /** `sending`: seal with them, too; else only open. */
  | {
      readonly t: "keys";
      readonly role: LinkRole;
      readonly epoch: number;
      readonly media: Uint8Array;
      readonly sending: boolean;
    }
  /** The other side cannot do it, and nobody demands it: frames pass. Never after keys. */
  | { readonly t: "off" }
  /** Payload types of VP8, for browsers that do not say the codec with each frame. */
  | { readonly t: "vp8"; readonly payloads: readonly number[] }
  | { readonly t: "count"; readonly n: number };

/** Totals of one stream since its transform began. */
export interface StreamCounts {
  readonly id: number;
  readonly entered: number;
  /** Frames handed on. */
  readonly left: number;
  /** Frames that were sealed, or that authenticated. */
  readonly good: number;
  /** Frames in a row that did not authenticate. */
  readonly failures: number;
  /** One is being worked on. They are taken one by one: while it takes its time others wait, and nothing has gone past. */
  readonly busy: boolean;
  /** The other side seals with keys that are still to come here. */
  readonly waiting: boolean;
}

export type FromWorker =
  /** The first frame of this stream has authenticated. */
  | { readonly t: "verified"; readonly id: number }
  | { readonly t: "counts"; readonly n: number; readonly streams: readonly StreamCounts[] };

/** RTCEncodedVideoFrame and RTCEncodedAudioFrame, as far as needed here. */
export interface EncodedFrame {
  data: ArrayBuffer;
  getMetadata(): { readonly mimeType?: string; readonly payloadType?: number };
}

/** RTCRtpScriptTransformer. */
export interface Transformer {
  readonly options: StreamOptions;
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  sendKeyFrameRequest?(): Promise<unknown>;
}
