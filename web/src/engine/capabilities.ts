import type { Caps } from "./e2ee/caps.ts";
import { FlagRelayOnly, type Link } from "./e2ee/link.ts";
import { canEncryptFrames } from "./sframe/layer.ts";

/** What this client can do, for the signed handshake. What the link demands is added there. */
export function capabilities(link: Link): Caps {
  const sframe = canEncryptFrames() ? 1 : 0;
  return { sframe, video: ["vp9", "vp8"], record: 0, relay: link.flags & FlagRelayOnly ? 2 : 1, app: "web" };
}
