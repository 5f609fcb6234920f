import { createSubscriber } from "svelte/reactivity";
import type { ScreenShare } from "../engine/screenshare.ts";
import type { ScreenProblem } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";

export type { ScreenMode } from "../engine/types.ts";

export type ShareLike = Pick<ScreenShare, keyof ScreenShare>;

/** This person's shared screen as the UI reads it; see CallModel for `now`. */
export class ShareModel {
  readonly #share: ShareLike;
  readonly #subscribe: () => void;

  constructor(share: ShareLike) {
    this.#share = share;
    this.#subscribe = createSubscriber((update) => share.on("change", update));
  }

  get now(): ShareLike {
    this.#subscribe();
    return this.#share;
  }

  /** "You are sharing …", in the words of what is shown. */
  get sentence(): string {
    const { surface } = this.now;
    if (surface === "window") return m.share_me_window();
    return surface === "browser" ? m.share_me_tab() : m.share_me_screen();
  }
}

/** What to tell a person whose screen could not be shared; "" if they changed their mind. */
export function shareProblem(problem: ScreenProblem): string {
  switch (problem) {
    case "canceled":
      return "";
    case "unsupported":
      return m.share_unsupported();
    case "os-blocked":
      return m.share_os_blocked();
    case "failed":
      return m.share_failed();
  }
}
