import {
  LineKindScreen,
  LineKindScreenSound,
  type DeviceFate,
  type LineKind,
  type State,
} from "../protocol/sealed.gen.ts";
import type { CallState } from "./state.ts";
import type { RemoteParty } from "./types.ts";

export interface RemoteTrack {
  readonly track: MediaStreamTrack;
  readonly kind: LineKind;
}

/** The other party as it is shown. Its tracks are handed out only once they are proven to be its own. */
export class Remote {
  readonly #state: CallState;
  readonly #stream = new MediaStream();
  readonly #screen = new MediaStream();
  #tracks: readonly RemoteTrack[] = []; // of the connection in use
  #second: readonly RemoteTrack[] = [];
  #bound = false;
  #heard = false; // has said what it is sending

  constructor(state: CallState, name: string) {
    this.#state = state;
    const nothing = { mic: false, cam: false, screen: false, screenSound: false, recording: false, bound: false };
    state.set({
      remote: {
        name,
        stream: this.#stream,
        screenStream: this.#screen,
        ...nothing,
        hidden: false,
        music: false,
        fates: {},
        held: null,
      },
    });
  }

  track(remote: RemoteTrack): void {
    this.#tracks = [...this.#tracks, remote];
    this.#show();
  }

  untrack(track: MediaStreamTrack): void {
    this.#tracks = this.#tracks.filter((remote) => remote.track !== track);
    this.#show();
  }

  /** While nothing comes by the connection in use: what has authenticated on a second one. Empty: as before. */
  glimpse(tracks: readonly RemoteTrack[]): void {
    this.#second = tracks;
    this.#show();
  }

  bind(): void {
    this.#bound = true;
    this.#show();
    this.#patch({ bound: true });
  }

  /** Another connection, bound like the one before, takes its place; what is shown of it already stays. */
  replace(tracks: readonly RemoteTrack[]): void {
    this.#tracks = tracks;
    this.#second = [];
    this.#show();
  }

  unbind(): void {
    this.#bound = false;
    this.#tracks = this.#second = [];
    this.#show();
    this.#patch({ bound: false });
  }

  /** What the party says it is sending. */
  says({
    mic,
    cam,
    screen,
    sound = false,
    rec = false,
    hidden = false,
    held,
    mic_fate,
    cam_fate,
    ...more
  }: State): void {
    const { music = false } = more;
    const before = this.#state.view.remote;
    const fates = { ...(mic_fate && { mic: mic_fate }), ...(cam_fate && { camera: cam_fate }) };
    const shared = { screen, screenSound: screen && sound };
    this.#patch({ mic, cam, ...shared, recording: rec, hidden, music, held: held ?? null, fates });
    if ((before?.screen ?? false) !== screen)
      this.#state.notice({ kind: screen ? "peer-screen-on" : "peer-screen-off" });
    const news = this.#heard && before;
    this.#heard = true;
    if (!news) return;
    // A device that was pulled out is no decision: it is told by another name.
    if (!this.#fate("mic", before.fates.mic, mic_fate) && before.mic !== mic)
      this.#state.notice({ kind: mic ? "peer-unmuted" : "peer-muted" });
    if (!this.#fate("camera", before.fates.camera, cam_fate) && before.cam !== cam)
      this.#state.notice({ kind: cam ? "peer-camera-on" : "peer-camera-off" });
  }

  #fate(device: "mic" | "camera", before: DeviceFate | undefined, now: DeviceFate | undefined): boolean {
    if (before === now) return false;
    this.#state.notice({ kind: now ? `peer-device-${now}` : "peer-device-back", device });
    return true;
  }

  #show(): void {
    const tracks = this.#second.length > 0 ? this.#second : this.#tracks;
    const shown = this.#bound ? tracks : [];
    const news = [this.#stream, this.#screen].map((stream) => {
      const own = shown.filter(({ kind }) => isScreen(kind) === (stream === this.#screen)).map(({ track }) => track);
      return become(stream, own);
    });
    if (news.includes(true)) this.#patch({}); // a stream keeps its identity: say that it has changed
  }

  #patch(patch: Partial<RemoteParty>): void {
    const { remote } = this.#state.view;
    if (remote) this.#state.set({ remote: { ...remote, ...patch } });
  }
}

function isScreen(kind: LineKind): boolean {
  return kind === LineKindScreen || kind === LineKindScreenSound;
}

/** Gives a stream these tracks; false if it had them. What stays is not touched: an element would begin it anew. */
function become(stream: MediaStream, tracks: readonly MediaStreamTrack[]): boolean {
  const before = stream.getTracks();
  const gone = before.filter((track) => !tracks.includes(track));
  const come = tracks.filter((track) => !before.includes(track));
  for (const track of gone) stream.removeTrack(track);
  for (const track of come) stream.addTrack(track);
  return gone.length + come.length > 0;
}
