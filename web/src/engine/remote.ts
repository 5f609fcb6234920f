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
  #pending: RemoteTrack[] = [];
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
        fates: {},
        held: null,
      },
    });
  }

  track(remote: RemoteTrack): void {
    if (this.#bound) this.#show(remote);
    else this.#pending.push(remote);
  }

  untrack(track: MediaStreamTrack): void {
    this.#pending = this.#pending.filter((remote) => remote.track !== track);
    for (const stream of [this.#stream, this.#screen]) stream.removeTrack(track);
    this.#patch({});
  }

  bind(): void {
    this.#bound = true;
    for (const remote of this.#pending) this.#show(remote);
    this.#pending = [];
    this.#patch({ bound: true });
  }

  unbind(): void {
    this.#bound = false;
    this.#pending = [];
    for (const stream of [this.#stream, this.#screen])
      for (const track of stream.getTracks()) stream.removeTrack(track);
    this.#patch({ bound: false });
  }

  /** What the party says it is sending. */
  says({ mic, cam, screen, sound = false, rec = false, hidden = false, held, mic_fate, cam_fate }: State): void {
    const before = this.#state.view.remote;
    const fates = { ...(mic_fate && { mic: mic_fate }), ...(cam_fate && { camera: cam_fate }) };
    const shared = { screen, screenSound: screen && sound };
    this.#patch({ mic, cam, ...shared, recording: rec, hidden, held: held ?? null, fates });
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

  #show({ track, kind }: RemoteTrack): void {
    const screen = kind === LineKindScreen || kind === LineKindScreenSound;
    (screen ? this.#screen : this.#stream).addTrack(track);
    this.#patch({}); // the stream keeps its identity: say that it has changed
  }

  #patch(patch: Partial<RemoteParty>): void {
    const { remote } = this.#state.view;
    if (remote) this.#state.set({ remote: { ...remote, ...patch } });
  }
}
