import { Emitter } from "./emitter.ts";
import { Scope } from "./scope.ts";

/**
 * Whether the call is in sight of its person. A page is not when another tab is in front, the window is covered, the
 * phone is locked; but a small window that stays above the others shows the call all the same.
 */
export class Presence extends Emitter<{ change: undefined }> {
  readonly #scope = new Scope();
  #small: Window | null = null;

  constructor() {
    super();
    if (typeof document === "undefined") return;
    const change = () => this.emit("change", undefined);
    for (const type of ["visibilitychange", "enterpictureinpicture", "leavepictureinpicture"])
      this.#scope.listen(document, type, change);
    const { documentPictureInPicture: windows } = window;
    if (!windows) return;
    if (windows.window) this.#watch(windows.window);
    this.#scope.listen(windows, "enter", (event) => this.#watch((event as DocumentPictureInPictureEvent).window));
  }

  /** Nobody sees the call. */
  get hidden(): boolean {
    return this.throttled && this.#small === null && !document.pictureInPictureElement; // undefined where there is no such thing
  }

  /** The page is in the background: its timers run once a second, whoever may see the call. */
  get throttled(): boolean {
    return typeof document !== "undefined" && document.visibilityState === "hidden";
  }

  close(): void {
    this.#scope.close();
  }

  #watch(small: Window): void {
    this.#small = small;
    this.#scope.listen(small, "pagehide", () => {
      if (this.#small !== small) return; // another one has taken its place
      this.#small = null;
      this.emit("change", undefined);
    });
    this.emit("change", undefined);
  }
}
