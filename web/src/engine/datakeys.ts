import type { Effect, SealedJSON } from "./e2ee/effects.ts";
import type { Keyring } from "./e2ee/keyring.ts";
import type { LinkRole } from "./e2ee/link.ts";
import type { Pump } from "./pump.ts";

/** What the data channel needs of a party's machine: the keys of the epoch in use, whatever it is by now. */
export interface DataKeys {
  readonly role: LinkRole;
  bind(sender: LinkRole, fpGuest: Uint8Array, fpHost: Uint8Array): Uint8Array;
  checkBind(got: Uint8Array, fpGuest: Uint8Array, fpHost: Uint8Array): void;
  /** The next frame is the first over its channel: what went before may be lost. */
  skip(): void;
  /** E_STATE without a session, E_SIZE. */
  seal(json: SealedJSON): Uint8Array;
  /** Null for what is not for people: the machine's own messages, and what came too late to be opened. */
  open(frame: Uint8Array): SealedJSON | null;
  /** Part of a file. E_STATE. */
  sealFile(plain: Uint8Array): Uint8Array;
  /** Null for what came too late to be opened. E_SEQ. */
  openFile(frame: Uint8Array): Uint8Array | null;
}

interface Machine {
  readonly ring: Keyring;
  sealData(json: SealedJSON): Uint8Array;
  openData(frame: Uint8Array, now: number): SealedJSON | null;
  alive(now: number): void;
  tick(now: number): void;
  deadline(): number | null;
  drain(): Effect[];
}

export function dataKeys(role: LinkRole, pump: Pump<Machine>): DataKeys {
  const { machine } = pump;
  return {
    role,
    bind: (sender, fpGuest, fpHost) => machine.ring.bind(sender, fpGuest, fpHost),
    checkBind: (got, fpGuest, fpHost) => machine.ring.checkBind(got, fpGuest, fpHost),
    skip: () => machine.ring.skipData(),
    sealFile: (plain) => machine.ring.sealFile(plain),
    openFile: (frame) => machine.ring.openFile(frame, Date.now()),
    seal: (json) => machine.sealData(json),
    open: (frame) => {
      let json: SealedJSON | null = null;
      pump.run((m, now) => {
        json = m.openData(frame, now);
        m.alive(now);
      });
      return json;
    },
  };
}
