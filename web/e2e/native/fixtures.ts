import { test as base } from "../support/fixtures.ts";
import { NativeParty } from "./cli.ts";

interface Native {
  /** Takes part from a terminal, with the built-in picture and tone. */
  native: (link: string, ...args: string[]) => NativeParty;
}

/** `test` with people at terminals, who go away when it ends. */
export const test = base.extend<Native>({
  // oxlint-disable-next-line no-empty-pattern
  native: async ({}, use) => {
    const parties: NativeParty[] = [];
    await use((link, ...args) => {
      const party = new NativeParty(link, args);
      parties.push(party);
      return party;
    });
    for (const party of parties) await party.stop();
  },
});

export { expect } from "@playwright/test";
