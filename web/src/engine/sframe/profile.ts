/** Which frames get which key, and what stays readable; docs/protocol.md, section 10. */
import { concat, u16 } from "../e2ee/encode.ts";
import { expandKey, label } from "../e2ee/kdf.ts";
import type { LinkRole } from "../e2ee/link.ts";

/** Which of a party's streams a frame belongs to; 2 and 3, a screen and its sound, are LineKind's of the wire. */
export const KIND_MICROPHONE = 0;
export const KIND_CAMERA = 1;
export type FrameKind = 0 | 1 | 2 | 3;

/** epoch·8 + direction·4 + kind. */
export function frameKid(epoch: number, sender: LinkRole, kind: FrameKind): number {
  return epoch * 8 + streamBits(sender, kind);
}

/** The lowest three bits of a KID: whose stream it is. */
export function streamBits(sender: LinkRole, kind: FrameKind): number {
  return (sender === "host" ? 4 : 0) + kind;
}

/** media: the 64 bytes of {@link Session.media}. */
export function frameBaseKey(media: Uint8Array, epoch: number, sender: LinkRole, kind: FrameKind): Uint8Array {
  const name = sender === "host" ? "sframe h2g" : "sframe g2h";
  return expandKey(media, name, concat(u16(epoch), Uint8Array.of(kind)), 32);
}

/** Authenticated with each frame: what it is, and its clear prefix. */
export function frameAad(header: Uint8Array, kind: FrameKind, clear: Uint8Array): Uint8Array {
  return concat(header, label("media"), Uint8Array.of(kind, clear.length), clear);
}

/**
 * How much of a frame stays readable: what the packetizer of VP8 looks at, and whoever tells key frames from others (RFC
 * 6386 §9.1). VP9 and Opus need nothing, and neither does Opus in RED: the browser hands over the whole RED payload as one frame.
 */
export function clearLength(vp8: boolean, frame: Uint8Array): number {
  const first = frame[0];
  if (!vp8 || first === undefined) return 0;
  return (first & 1) === 0 ? 10 : 1;
}
