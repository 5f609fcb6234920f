import type { Attachment } from "svelte/attachments";
import { dress } from "./dress.ts";
import { onSystemButton } from "./mediasession.ts";
import { miniSize } from "./minisize.ts";

interface MiniConfig {
  /** Fills the window; the returned function empties it. */
  show(target: HTMLElement): () => void;
  /** What the window is called. */
  title(): string;
  /** The browser did not open it, although somebody asked. */
  failed(): void;
}

/**
 * The call in a small window that stays above the others: a page of ours where the browser has Document
 * Picture-in-Picture, the bare picture with the browser's own buttons where it has only that. When the person turns to
 * another tab, a browser that wants to opens it by itself, and it closes when the person comes back.
 */
export class MiniWindow {
  readonly #config: MiniConfig;
  readonly #windows = window.documentPictureInPicture ?? null;
  readonly #lifetime = new AbortController();
  #open = $state(false);
  #window: Window | null = null;
  #empty: (() => void) | null = null;
  #video: HTMLVideoElement | null = null;
  #opening = false;
  #byItself = false;
  #off = $state.raw<(() => void) | null>(null); // while there is somebody to show

  constructor(config: MiniConfig) {
    this.#config = config;
    const { signal } = this.#lifetime;
    document.addEventListener("visibilitychange", () => this.#returned(), { signal });
  }

  /** Whether the browser has any of it. */
  get supported(): boolean {
    return this.#windows !== null || document.pictureInPictureEnabled;
  }

  /** False where the browser has no such thing, and while there is nobody to show: then there is no button. */
  get available(): boolean {
    return this.#off !== null;
  }

  get open(): boolean {
    return this.#open;
  }

  /** The other person's picture in the page: what a browser without the window can show alone. */
  readonly source: Attachment<HTMLVideoElement> = (video) => {
    const lifetime = new AbortController();
    const { signal } = lifetime;
    this.#video = video;
    video.addEventListener("enterpictureinpicture", () => (this.#open = true), { signal });
    video.addEventListener("leavepictureinpicture", () => (this.#open = this.#window !== null), { signal });
    return () => {
      if (document.pictureInPictureElement === video) this.#leavePicture();
      lifetime.abort();
      this.#video = null;
    };
  };

  /** Whether there is somebody to show. Without one the window closes. */
  want(wanted: boolean): void {
    if (wanted === (this.#off !== null) || (wanted && !this.supported)) return;
    if (wanted) {
      this.#off = onSystemButton("enterpictureinpicture", () => void this.#show(true));
      return;
    }
    this.#off?.();
    this.#off = null;
    this.shut();
  }

  toggle(): void {
    if (this.#open) this.shut();
    else if (this.#off) void this.#show(false);
  }

  /** From the window to the page. The focus is there where it was when the person left the page. */
  back(): void {
    this.shut();
    window.focus();
  }

  shut(): void {
    this.#window?.close();
    this.#closed();
    if (this.#video !== null && document.pictureInPictureElement === this.#video) this.#leavePicture();
  }

  close(): void {
    this.want(false);
    this.#lifetime.abort();
  }

  async #show(byItself: boolean): Promise<void> {
    if (this.#open || this.#opening) return;
    this.#opening = true;
    try {
      if (this.#windows) await this.#openWindow(this.#windows);
      else await this.#video?.requestPictureInPicture();
      this.#byItself = byItself;
      if (byItself) this.#returned();
    } catch {
      // The browser wants a click first, or there is no picture yet. Nobody has asked for what opens by itself.
      if (!byItself) this.#config.failed();
    } finally {
      this.#opening = false;
    }
    if (!this.#off) this.shut(); // the call is over meanwhile
  }

  async #openWindow(windows: DocumentPictureInPicture): Promise<void> {
    const { videoWidth: width = 0, videoHeight: height = 0 } = this.#video ?? {};
    const small = await windows.requestWindow(miniSize({ width, height }));
    small.document.title = this.#config.title();
    const undress = dress(small);
    const unmount = this.#config.show(small.document.body);
    this.#empty = () => {
      unmount();
      undress();
    };
    this.#window = small;
    this.#open = true;
    small.addEventListener("pagehide", () => small === this.#window && this.#closed(), { once: true });
  }

  #closed(): void {
    this.#window = null;
    this.#empty?.();
    this.#empty = null;
    this.#open = document.pictureInPictureElement === this.#video && this.#video !== null;
  }

  #leavePicture(): void {
    document.exitPictureInPicture().catch(() => undefined); // it is gone already
  }

  #returned(): void {
    if (this.#byItself && document.visibilityState === "visible") this.shut();
  }
}
