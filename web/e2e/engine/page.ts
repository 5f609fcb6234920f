/*
 * What the test page runs: the engine without the app. Tests reach it through
 * `window.engine`, by page.evaluate.
 */
import { Call } from "../../src/engine/call.ts";
import { guestLink } from "../../src/engine/e2ee/derive.ts";
import { newLink, parseFragment, secureRandom } from "../../src/engine/e2ee/link.ts";
import { stretchPassword } from "../../src/engine/e2ee/password.ts";
import { LocalMedia } from "../../src/engine/media.ts";
import { FaceDetector } from "../../src/engine/vision/facedetector.ts";
import type { Sight } from "../../src/engine/vision/messages.ts";
import { startWorker } from "../../src/engine/workers.ts";
import type { CallOptions, CallStore, DevicePrefs, Notice } from "../../src/engine/types.ts";

const store: CallStore = {
  loadBudget: (id) => localStorage.getItem(`budget ${id}`),
  saveBudget: (id, value) => localStorage.setItem(`budget ${id}`, value),
  loadResume: (id) => sessionStorage.getItem(`resume ${id}`),
  saveResume: (id, value) =>
    value === null ? sessionStorage.removeItem(`resume ${id}`) : sessionStorage.setItem(`resume ${id}`, value),
};

const prefs: DevicePrefs = {
  label: (kind) => localStorage.getItem(`device ${kind}`),
  remember: (kind, label) => localStorage.setItem(`device ${kind}`, label),
};

export interface Start {
  link: string; // fragment
  password?: string;
  name?: string;
  waitingRoom?: boolean;
  limitMs?: number;
  oneTime?: boolean;
  relayOnly?: boolean;
  dataUse?: "full" | "small" | "none";
  camera?: boolean;
  rehearse?: boolean;
  rekeyMs?: number;
}

class Bench {
  call: Call | null = null;
  media: LocalMedia | null = null;
  readonly video = document.createElement("video");
  readonly notices: Notice[] = [];
  readonly phases: string[] = [];
  readonly peers: RTCPeerConnection[] = [];
  readonly sockets: WebSocket[] = [];

  links(flags: number): { host: string; guest: string } {
    const link = newLink(secureRandom, flags);
    return { host: link.fragment(), guest: guestLink(link).fragment() };
  }

  async start(start: Start): Promise<void> {
    const link = parseFragment(start.link);
    this.media = new LocalMedia(prefs);
    await this.media.start({ mic: true, camera: start.camera ?? true });
    const stretchedPassword = start.password === undefined ? undefined : await stretchPassword(link, start.password);
    const options: CallOptions = {
      link,
      origin: location.origin,
      ...(stretchedPassword && { stretchedPassword }),
      name: start.name ?? "",
      title: "bench",
      lang: "en",
      waitingRoom: start.waitingRoom ?? true,
      limitMs: start.limitMs ?? null,
      oneTime: start.oneTime ?? false,
      relayOnly: start.relayOnly ?? false,
      dataUse: start.dataUse ?? "full",
      media: this.media,
      store,
      ...(start.rehearse !== undefined && { rehearse: start.rehearse }),
      ...(start.rekeyMs !== undefined && { rekeyMs: start.rekeyMs }),
    };
    const call = (this.call = new Call(options));
    this.video.muted = true;
    this.video.autoplay = true;
    document.body.append(this.video);
    call.on("change", () => {
      if (this.phases.at(-1) !== call.phase) this.phases.push(call.phase);
      if (call.remote?.bound && this.video.srcObject !== call.remote.stream) this.video.srcObject = call.remote.stream;
    });
    call.on("notice", (n) => this.notices.push(n));
    call.start();
  }

  /** Cuts the connection to the server, as a lost network would. */
  cut(): void {
    this.sockets.at(-1)?.close();
  }

  /** Loudness of the other party over half a second, 0…1. */
  async heard(): Promise<number> {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    const [track] = this.call?.remote?.stream.getAudioTracks() ?? [];
    if (!track) throw new Error("no sound is received");
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    for (const end = performance.now() + 1_500; performance.now() < end;) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      analyser.getFloatTimeDomainData(samples);
      for (const s of samples) loudest = Math.max(loudest, Math.abs(s));
    }
    await context.close();
    return loudest;
  }

  /** Who is found in a picture (base64), `width` px of it from the left. */
  async look(base64: string, width: number): Promise<Sight | null> {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes]));
    const detector = new FaceDetector(() => startWorker("vision"));
    try {
      return await detector.detect(await createImageBitmap(picture, 0, 0, width, picture.height));
    } finally {
      detector.close();
    }
  }

  /** The connection that the call goes over; others may be on standby. */
  get live(): RTCPeerConnection | undefined {
    return this.peers.find((p) => p.connectionState === "connected");
  }

  /** Frames of the other party that were decoded and painted. */
  get frames(): number {
    return this.video.getVideoPlaybackQuality().totalVideoFrames;
  }
}

declare global {
  interface Window {
    engine: Bench;
  }
}

// The engine may make connections in frames of their own, in which this runs, too.
const bench = window.top === window ? new Bench() : (window.top ?? window).engine;
// Tests look behind the engine: which connections it made, what they carried.
const Native = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Native {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    bench.peers.push(this);
  }
};
const NativeSocket = WebSocket;
globalThis.WebSocket = class extends NativeSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    bench.sockets.push(this);
  }
};
window.engine = bench;
