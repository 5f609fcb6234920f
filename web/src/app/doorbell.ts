import { playChime } from "./chime.ts";

/** The chime comes back while somebody stands at the door. */
const repeatMs = 6000;
const blinkMs = 1000;

const badge =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#fbbf24"/><path d="M10 8h12v17H10z" fill="#0e1116"/><circle cx="19" cy="17" r="1.6" fill="#fbbf24"/></svg>',
  );

export interface DoorbellTexts {
  title: string; // of the tab, while somebody waits
  notification: string;
}

/**
 * Makes a knock heard and seen, also from another tab: a repeated chime, a
 * blinking title, another tab icon and, if the person has allowed it, a system
 * notification. Silent again as soon as nobody waits.
 */
export class Doorbell {
  readonly #document: Document;
  #audio: AudioContext | null = null;
  #timers: ReturnType<typeof setInterval>[] = [];
  #notification: Notification | null = null;
  #quietTitle = "";
  #quietIcon: string | null = null;

  constructor(doc: Document) {
    this.#document = doc;
  }

  get ringing(): boolean {
    return this.#timers.length > 0;
  }

  ring(texts: DoorbellTexts): void {
    this.#notify(texts.notification);
    if (this.ringing) this.#stopTimers();
    else this.#remember();
    this.#setIcon(badge);
    void this.#chime();
    let on = true;
    this.#document.title = texts.title;
    this.#timers = [
      setInterval(() => void this.#chime(), repeatMs),
      setInterval(() => {
        on = !on;
        this.#document.title = on ? texts.title : this.#quietTitle;
      }, blinkMs),
    ];
  }

  quiet(): void {
    if (!this.ringing) return;
    this.#stopTimers();
    this.#document.title = this.#quietTitle;
    this.#setIcon(this.#quietIcon);
    this.#notification?.close();
    this.#notification = null;
  }

  close(): void {
    this.quiet();
    void this.#audio?.close();
    this.#audio = null;
  }

  async #chime(): Promise<void> {
    this.#audio ??= new AudioContext();
    if (this.#audio.state === "suspended") {
      // Never resolves before the first click on the page; then it is too late for this chime.
      await this.#audio.resume();
      if (!this.ringing) return;
    }
    playChime(this.#audio, this.#audio.destination);
  }

  #notify(body: string): void {
    if (!("Notification" in globalThis) || Notification.permission !== "granted" || this.#document.hasFocus()) return;
    try {
      this.#notification = new Notification(body, { tag: "visavis-knock" });
      this.#notification.addEventListener("click", () => globalThis.focus());
    } catch {
      this.#notification = null; // Chrome on Android only notifies from a service worker
    }
  }

  #remember(): void {
    this.#quietTitle = this.#document.title;
    this.#quietIcon = this.#icon()?.getAttribute("href") ?? null;
  }

  #setIcon(href: string | null): void {
    if (href === null) return;
    this.#icon()?.setAttribute("href", href);
  }

  #icon(): HTMLLinkElement | null {
    return this.#document.querySelector('link[rel~="icon"]');
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }
}
