/** Document Picture-in-Picture (https://wicg.github.io/document-picture-in-picture/), which TypeScript does not know. */
interface DocumentPictureInPicture extends EventTarget {
  readonly window: Window | null; // the one that is open
  requestWindow(options?: { width?: number; height?: number }): Promise<Window & typeof globalThis>;
}

interface DocumentPictureInPictureEvent extends Event {
  readonly window: Window;
}

interface Window {
  readonly documentPictureInPicture?: DocumentPictureInPicture;
}
