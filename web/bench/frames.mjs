/** When frames of the other side were shown, and how long there were none. */

/** A call that has no picture after this long is counted as this long. */
const GIVE_UP_MS = 60_000;
/** A fault may be felt late: packets were on their way, and buffers had some left. */
const LOOK_MS = 4000;
/** Shorter pauses are those of a call that goes on. */
const PAUSE_MS = 300;

/**
 * Runs in each page and each frame in it before its own code: notes the time of each remote frame that is shown, and keeps
 * the connections.
 */
export function watchFrames() {
  const { connections, remote, shown } = (window.top.watched ??= { connections: [], remote: new Set(), shown: [] });
  Object.assign(window, { connections, shown });
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      connections.push(this);
      this.addEventListener("track", ({ track }) => remote.add(track.id));
    }
  };
  if (window !== window.top) return;
  const { set, get } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  const watched = new WeakSet();
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    get,
    set(stream) {
      set.call(this, stream);
      if (!(this instanceof HTMLVideoElement) || watched.has(this)) return;
      watched.add(this);
      const look = () => {
        if (this.srcObject?.getVideoTracks().some((t) => remote.has(t.id))) shown.push(Date.now());
        this.requestVideoFrameCallback(look);
      };
      this.requestVideoFrameCallback(look);
    },
  });
}

/**
 * Seconds from `at` to the first frame after the longest pause that came then; if there was no pause, the longest
 * distance between two frames.
 */
export async function recovery(page, at) {
  const end = at + GIVE_UP_MS;
  await page.waitForTimeout(LOOK_MS);
  await page
    .waitForFunction(() => window.shown.filter((f) => f > Date.now() - 1000).length >= 5, undefined, {
      polling: 100,
      timeout: Math.max(1, end - Date.now()),
    })
    .catch((error) => {
      if (error.name !== "TimeoutError") throw error;
    });
  const frames = await page.evaluate((from) => window.shown.filter((f) => f > from), at - 1000);
  frames.push(Date.now());
  if (Date.now() >= end) return GIVE_UP_MS / 1000;
  let [longest, back] = [0, at];
  for (let i = 1; i < frames.length; i++) {
    if (frames[i] < at || frames[i] - frames[i - 1] <= longest) continue;
    [longest, back] = [frames[i] - frames[i - 1], frames[i]];
  }
  return (longest < PAUSE_MS ? longest : back - at) / 1000;
}
