export type PanelName = "chat" | "words" | "who" | "devices" | "eyes" | "points";

/** Which side panel is open: at most one. The focus goes back to where it came from. */
export class Panels {
  #open = $state<PanelName | null>(null);
  #opener: HTMLElement | null = null;

  get open(): PanelName | null {
    return this.#open;
  }

  toggle(name: PanelName): void {
    if (this.#open === name) return this.close();
    if (this.#open === null)
      this.#opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.#open = name;
  }

  close(): void {
    this.#open = null;
    // The page behind a panel may be inert until the next frame.
    const opener = this.#opener;
    requestAnimationFrame(() => opener?.isConnected && opener.focus());
    this.#opener = null;
  }
}
