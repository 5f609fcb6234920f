/**
 * What one side keeps so that the next handshake continues this session: same
 * people, same standing of the verification words, new keys. Used once. Secret.
 */
export interface ResumeState {
  readonly id: Uint8Array;
  readonly secret: Uint8Array;
  /** Of the session it comes from. */
  readonly epoch: number;
  /** This person said that the words match. */
  readonly verified: boolean;
  /** ms since the epoch. */
  readonly expires: number;
}

/** How long after its session was last alive a resume state can be used. */
export const RESUME_LIFETIME_MS = 10 * 60_000;
/** When the stored expiry of a living session is moved on. */
export const RESUME_RENEW_MS = RESUME_LIFETIME_MS / 2;
/** Bounds what a host keeps. */
export const LIMIT_RESUME = 4;

const LAST_EPOCH = 0xffff;

/** Whether a handshake may still build on this state. */
export function resumable(state: ResumeState, now: number): boolean {
  return now < state.expires && state.epoch < LAST_EPOCH;
}

/** When to move the expiry on while the session lives. */
export function renewalDue(state: ResumeState): number {
  return state.expires - RESUME_RENEW_MS;
}
