import type { IconName } from "./icons.gen.ts";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly icon?: IconName;
  readonly tone: "info" | "amber" | "red";
  readonly topic?: string; // to take away all that is about one thing
  readonly spoken: boolean; // for screen readers alone: the page shows it already
}

/** Where notices stand: never over a face, the own picture or what somebody types. */
export type ToastPlace = "top" | "bar" | "hint" | "beside-panel" | "panel";

interface ToastOptions extends Partial<Pick<Toast, "icon" | "topic" | "tone" | "spoken">> {
  ms?: number;
}

const shownMs = 5_000;
const limit = 3; // more would cover the face

/** One-line notices that leave by themselves. Oldest goes first when there are too many. */
export class Toasts {
  place = $state<ToastPlace>("top");
  #list = $state.raw<readonly Toast[]>([]);
  #next = 0;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  get list(): readonly Toast[] {
    return this.#list;
  }

  show(text: string, options: ToastOptions = {}): void {
    const id = this.#next++;
    const { icon, topic, tone = "info", spoken = false } = options;
    const toast: Toast = { id, text, tone, spoken, ...(icon && { icon }), ...(topic && { topic }) };
    for (const old of this.#list.slice(0, Math.max(0, this.#list.length + 1 - limit))) this.dismiss(old.id);
    this.#list = [...this.#list, toast];
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), options.ms ?? shownMs),
    );
  }

  /** What is about this has been seen elsewhere. */
  clear(topic: string): void {
    for (const toast of this.#list) if (toast.topic === topic) this.dismiss(toast.id);
  }

  /** Another page: what they say is over, or said there. */
  leave(): void {
    for (const toast of this.#list) if (!toast.spoken) this.dismiss(toast.id);
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#list = this.#list.filter((toast) => toast.id !== id);
  }
}
