import type { Attachment } from "svelte/attachments";

/** Shows a live stream in a <video>. The stream keeps its identity while tracks come and go. */
export function showStream(stream: MediaStream): Attachment<HTMLVideoElement> {
  return (video) => {
    const lifetime = new AbortController();
    attach(video, stream, lifetime.signal);
    return () => {
      lifetime.abort();
      video.srcObject = null;
    };
  };
}

/**
 * A video that has no frame yet holds back the page's load event (HTML, "delaying-the-load-event flag"); without a
 * camera that is for ever. So it gets its stream when the page has loaded.
 */
function attach(video: HTMLVideoElement, stream: MediaStream, signal: AbortSignal): void {
  if (document.readyState === "complete") video.srcObject = stream;
  else addEventListener("load", () => (video.srcObject = stream), { once: true, signal });
}

/**
 * Plays the other side's stream. Tracks that come later may stop a browser again,
 * so each of them is one more try.
 */
export function playStream(stream: MediaStream, report: (blocked: boolean) => void): Attachment<HTMLVideoElement> {
  return (video) => {
    const lifetime = new AbortController();
    const { signal } = lifetime;
    const play = () => void tryPlay(video, (blocked) => signal.aborted || report(blocked));
    attach(video, stream, signal);
    video.addEventListener("loadedmetadata", play, { signal });
    stream.addEventListener("addtrack", play, { signal });
    play();
    return () => {
      lifetime.abort();
      video.srcObject = null;
    };
  };
}

/** Plays, and reports whether the browser wants a tap first. */
export async function tryPlay(video: HTMLVideoElement, report: (blocked: boolean) => void): Promise<void> {
  if (video.muted) return; // a silent picture may always play: that would tell nothing
  try {
    await video.play();
    report(false);
  } catch (error) {
    // Anything else, such as an interruption by the next try, is not for the person to mend.
    if (error instanceof DOMException && error.name === "NotAllowedError") report(true);
  }
}

/** How much of a picture may be cut off to fill the screen, before bars are the lesser evil. */
const croppable = 0.4;

/** `cover` where little is lost, else `contain`: a tall phone picture on a wide screen keeps its chin. */
export function chooseFit(picture: Size, box: Size): "cover" | "contain" {
  if (!picture.width || !picture.height || !box.width || !box.height) return "cover";
  const ratio = picture.width / picture.height / (box.width / box.height);
  const lost = 1 - Math.min(ratio, 1 / ratio);
  return lost <= croppable ? "cover" : "contain";
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Plays sound on the chosen speaker where the browser can choose one. */
export async function setSpeaker(element: HTMLMediaElement, sinkId: string): Promise<void> {
  if (!("setSinkId" in element) || element.sinkId === sinkId) return;
  try {
    await element.setSinkId(sinkId);
  } catch {
    // The device has just gone: the engine notices too and chooses another one.
  }
}
