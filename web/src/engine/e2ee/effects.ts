import type { Budget } from "./budget.ts";
import type { Code } from "./errors.ts";
import type { ResumeState } from "./resume.ts";
import type { Session } from "./session.ts";

/** A sealed message as it goes over the wire: `t` is the type, the rest depends on it. */
export type SealedJSON = { readonly t: string; readonly [field: string]: unknown };

/** What a machine asks its owner to do, in order. A guest's slot is always 0. */
export type Effect =
  /** Send these bytes to the peer in this slot (the slot prefix is the owner's business). */
  | { readonly kind: "send-frame"; readonly slot: number; readonly frame: Uint8Array }
  /**
   * The handshake is proven. Host: only after the guest's first valid sealed
   * frame. `resumed`: the same person as before; a guest who was admitted still is.
   */
  | { readonly kind: "ready"; readonly slot: number; readonly session: Session; readonly resumed: boolean }
  /**
   * Host: the admitted guest is back, M4 is on its way, and what is said over the server from now on arrives after it.
   * Nothing was heard of the guest yet: "ready" follows when it is.
   */
  | { readonly kind: "back"; readonly slot: number; readonly session: Session }
  /** A sealed message that is allowed in the present state. Fields are not checked beyond `t`. */
  | { readonly kind: "message"; readonly slot: number; readonly type: string; readonly json: SealedJSON }
  /**
   * Say this to the admitted party: over the data channel (`sealData`) or over the server (`send`), whichever works.
   * What is lost on the way is said again in time.
   */
  | { readonly kind: "say"; readonly slot: number; readonly json: SealedJSON }
  /**
   * The admitted party's session has a successor. Its keys for receiving media are to be taken into use at once, and
   * those of the epoch before kept for ten seconds. `sending`: use them for sending, too; a host is told so a second
   * time, when the guest is known to have them.
   */
  | { readonly kind: "epoch"; readonly slot: number; readonly session: Session; readonly sending: boolean }
  /** This handshake or session is over. A host goes on with its other slots. */
  | { readonly kind: "failed"; readonly slot: number; readonly code: Code }
  /** Host: a guest's confirmation was wrong. Guest: ours was; ask for the password again unless locked. */
  | { readonly kind: "wrong-password"; readonly failures: number; readonly locked: boolean }
  /** Host: store this under the call id. */
  | { readonly kind: "budget"; readonly budget: Budget }
  /** Store these instead of what was stored; a guest has at most one. */
  | { readonly kind: "resume"; readonly resume: readonly ResumeState[] };
