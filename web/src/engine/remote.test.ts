import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LineKindCamera, LineKindMicrophone, LineKindScreen } from "../protocol/sealed.gen.ts";
import { Remote, type RemoteTrack } from "./remote.ts";
import type { CallState } from "./state.ts";
import type { RemoteParty } from "./types.ts";

/** Says when a track was given to an element, since an element begins one that was taken away anew. */
class FakeStream {
  #tracks: MediaStreamTrack[] = [];
  added = 0;
  getTracks = () => [...this.#tracks];
  removeTrack(track: MediaStreamTrack): void {
    this.#tracks = this.#tracks.filter((t) => t !== track);
  }
  addTrack(track: MediaStreamTrack): void {
    this.added++;
    this.#tracks.push(track);
  }
}

beforeEach(() => void vi.stubGlobal("MediaStream", FakeStream));
afterEach(() => void vi.unstubAllGlobals());

function make() {
  const view: { remote: RemoteParty | null } = { remote: null };
  const state = { view, set: (patch: object) => Object.assign(view, patch) } as unknown as CallState;
  const remote = new Remote(state, "Ada");
  const shown = () => view.remote?.stream.getTracks().map((t) => t.id) ?? [];
  const screen = () => view.remote?.screenStream.getTracks().map((t) => t.id) ?? [];
  return { remote, shown, screen, view };
}

const tracks = ["mic", "camera", "mic2", "camera2", "screen"].map((id) => ({ id }) as MediaStreamTrack);
const of = (i: number, kind: RemoteTrack["kind"]): RemoteTrack => ({ track: tracks[i] as MediaStreamTrack, kind });
const [mic, camera, mic2, camera2, screen] = [
  of(0, LineKindMicrophone),
  of(1, LineKindCamera),
  of(2, LineKindMicrophone),
  of(3, LineKindCamera),
  of(4, LineKindScreen),
];

test("nothing is shown before the connection is bound, and nothing after it is given up", () => {
  const { remote, shown, screen: onScreen, view } = make();
  remote.track(mic);
  remote.track(screen);
  expect([...shown(), ...onScreen()]).toEqual([]);
  remote.bind();
  remote.track(camera);
  expect(shown()).toEqual(["mic", "camera"]);
  expect(onScreen()).toEqual(["screen"]);
  remote.untrack(mic.track);
  expect(shown()).toEqual(["camera"]);
  remote.unbind();
  expect([...shown(), ...onScreen()]).toEqual([]);
  expect(view.remote?.bound).toBe(false);
});

test("a glimpse takes the place of what stands still, and goes when that comes again", () => {
  const { remote, shown } = make();
  remote.bind();
  remote.track(mic);
  remote.track(camera);
  remote.glimpse([camera2]);
  expect(shown()).toEqual(["camera2"]);
  remote.track(screen); // of the first: not lost
  remote.glimpse([]);
  expect(shown()).toEqual(["mic", "camera"]);
});

test("the glimpse of a connection that takes over goes on without a break", () => {
  const { remote, shown, view } = make();
  remote.bind();
  remote.track(camera);
  remote.glimpse([camera2]);
  const stream = view.remote?.stream as unknown as FakeStream;
  expect(stream.added).toBe(2);
  remote.replace([camera2, mic2]);
  remote.bind();
  remote.glimpse([]); // something comes again
  expect(shown()).toEqual(["camera2", "mic2"]);
  expect(stream.added).toBe(3);
});

test("before anything is bound there is no glimpse either", () => {
  const { remote, shown } = make();
  remote.glimpse([camera2]);
  expect(shown()).toEqual([]);
});
