/**
 * Runs in each page before its own code. Notes when the first remote frame is on show (requestVideoFrameCallback, and
 * the element is not hidden) and when the first remote sound is played out (getSynchronizationSources reports it, and
 * an element that is not muted plays the track; polled every 4 ms). Also what the page's peer connections do, for
 * TRACE=1. Times are milliseconds since the epoch, so that two processes of one machine compare.
 */
export function probe() {
  const now = () => performance.timeOrigin + performance.now();
  const remote = new Set();
  const elements = new Set();
  const peers = [];
  const probe = (window.probe = { click: 0, video: 0, audio: 0, size: "", marks: {}, peers });
  const mark = (name) => (probe.marks[name] ??= now());

  addEventListener("click", (e) => (probe.click ||= performance.timeOrigin + e.timeStamp), { capture: true });
  /** Before the click that counts. */
  window.arm = () => {
    probe.click = 0;
    probe.marks = {};
    probe.armed = true;
  };

  const audible = (track) =>
    [...elements].some((e) => !e.muted && !e.paused && e.srcObject?.getAudioTracks().includes(track));

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      peers.push(this);
      for (const type of ["connection", "iceconnection", "icegathering", "signaling"]) {
        this.addEventListener(`${type}statechange`, () =>
          mark(
            `${type} ${this[{ connection: "connectionState", iceconnection: "iceConnectionState", icegathering: "iceGatheringState", signaling: "signalingState" }[type]]}`,
          ),
        );
      }
      this.addEventListener("track", ({ track, receiver }) => {
        remote.add(track.id);
        if (track.kind !== "audio") return;
        const poll = setInterval(() => {
          if (receiver.getSynchronizationSources().length === 0) return;
          mark("sound decoded");
          if (!audible(track)) return;
          probe.audio ||= now();
          clearInterval(poll);
        }, 4);
      });
    }
    async setRemoteDescription(...args) {
      mark("setRemoteDescription");
      await super.setRemoteDescription(...args);
      mark("setRemoteDescription done");
    }
    async setLocalDescription(...args) {
      mark("setLocalDescription");
      await super.setLocalDescription(...args);
      mark("setLocalDescription done");
    }
    createDataChannel(...args) {
      const channel = super.createDataChannel(...args);
      channel.addEventListener("open", () => mark("channel open"));
      channel.addEventListener("message", () => mark("channel message"));
      return channel;
    }
  };

  let sent = 0;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (probe.armed) mark(`sends #${++sent} to the server`);
    return send.call(this, data);
  };

  const { set, get } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    get,
    set(stream) {
      set.call(this, stream);
      elements.add(this);
      if (!(this instanceof HTMLVideoElement) || !stream) return;
      const look = () => {
        if (!this.srcObject?.getVideoTracks().some((t) => remote.has(t.id))) return;
        mark("frame decoded");
        if (!this.checkVisibility({ visibilityProperty: true, opacityProperty: true })) {
          this.requestVideoFrameCallback(look);
          return;
        }
        probe.video ||= now();
        probe.size ||= `${this.videoWidth}x${this.videoHeight}`;
      };
      this.requestVideoFrameCallback(look);
    },
  });
}
