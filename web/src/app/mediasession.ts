/** What the system has a button for; "enterpictureinpicture" is the browser's own wish when the page goes out of sight. */
export type SystemButton = "hangup" | "togglemicrophone" | "togglecamera" | "enterpictureinpicture";

/** From here on the button does this, until the returned function is called. Nothing where the button is not known. */
export function onSystemButton(button: SystemButton, press: () => void): () => void {
  handle(button, press);
  return () => handle(button, null);
}

function handle(button: SystemButton, press: (() => void) | null): void {
  try {
    navigator.mediaSession?.setActionHandler(button as MediaSessionAction, press);
  } catch {
    // A browser that does not know this button.
  }
}

interface Actions {
  hangup(): void;
  toggleMic(): void;
  toggleCamera(): void;
}

/** The call as the system shows it: on the lock screen, on a headset's buttons, beside the clock. */
export class SystemControls {
  readonly #session: MediaSession | null = "mediaSession" in navigator ? navigator.mediaSession : null;
  #off: (() => void)[] = [];

  /** From here on the system's buttons mean this call. */
  show(title: string, actions: Actions): void {
    if (!this.#session) return;
    if (this.#session.metadata?.title !== title) this.#session.metadata = new MediaMetadata({ title });
    this.#session.playbackState = "playing";
    this.#off = [
      onSystemButton("hangup", () => actions.hangup()),
      onSystemButton("togglemicrophone", () => actions.toggleMic()),
      onSystemButton("togglecamera", () => actions.toggleCamera()),
    ];
  }

  /** What the buttons show. */
  state(mic: boolean, camera: boolean): void {
    void this.#session?.setMicrophoneActive?.(mic);
    void this.#session?.setCameraActive?.(camera);
  }

  hide(): void {
    if (!this.#session) return;
    this.#session.metadata = null;
    this.#session.playbackState = "none";
    for (const off of this.#off) off();
    this.#off = [];
  }
}
