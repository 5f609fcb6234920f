/** The two kinds of call that make bench-weather compares, and what it sees of them. */

/** Runs in a page before its own code: keeps its connections for {@link watch}. */
function keep() {
  const peers = (window.peers = []);
  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...args) {
      super(...args);
      peers.push(this);
    }
  };
}

async function pages(browsers) {
  return Promise.all(
    browsers.map(async (b) => {
      const permissions = ["camera", "microphone"];
      const context = await b.newContext({ permissions, locale: "en-US", ignoreHTTPSErrors: true });
      await context.addInitScript(keep);
      return context.newPage();
    }),
  );
}

/** Two RTCPeerConnections as the browser makes them, asking for the same devices as a call. No server: descriptions go by hand. */
export async function bare(_url, browsers) {
  const both = await pages(browsers);
  for (const page of both) {
    await page.route("https://bare.invalid/", (r) => r.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
    await page.goto("https://bare.invalid/");
    await page.evaluate(async () => {
      const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
      const video = document.createElement("video");
      Object.assign(video, { autoplay: true, playsInline: true });
      document.body.append(video);
      pc.ontrack = ({ streams }) => (video.srcObject = streams[0]);
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
        video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
      });
      for (const track of stream.getTracks()) pc.addTrack(track, stream);
    });
  }
  const [host, guest] = both;
  const described = async (remote) => {
    const [pc] = window.peers;
    if (remote) await pc.setRemoteDescription(remote);
    if (remote?.type === "answer") return null;
    await pc.setLocalDescription();
    if (pc.iceGatheringState !== "complete")
      await new Promise((done) => {
        pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && done());
      });
    return pc.localDescription.toJSON();
  };
  const offer = await host.evaluate(described, null);
  await host.evaluate(described, await guest.evaluate(described, offer));
  return both;
}

export async function visavis(url, browsers) {
  const both = await pages(browsers);
  const [host, guest] = both;
  await host.goto(url);
  await host.getByRole("button", { name: "Start a call" }).click();
  const link = await host.getByLabel("Link for your guest").inputValue();
  await host.getByLabel("Your name").fill("Ada");
  await host.getByRole("button", { name: "Enter the call" }).click();
  await guest.goto(link);
  await guest.getByLabel("Your name").fill("Ben");
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await host.getByRole("button", { name: "Admit" }).click();
  await host.getByRole("button", { name: /^Direct|^Relayed/ }).waitFor();
  return both;
}

/** What each side sees and hears, and what it sends, over so many seconds. */
export async function watch(both, seconds) {
  const all = () => Promise.all(both.map((p) => p.evaluate(counters)));
  const first = await all();
  await both[0].waitForTimeout(1_000);
  const second = await all();
  await both[0].waitForTimeout((seconds - 1) * 1000);
  const last = await all();
  return both.map((_, i) => difference(first[i], second[i], last[i], seconds));
}

async function counters() {
  const pc = window.peers.findLast((p) => p.connectionState === "connected");
  const c = {};
  for (const [, e] of await pc.getStats()) {
    if (e.type === "inbound-rtp") c[`in_${e.kind}`] = e;
    if (e.type === "outbound-rtp") c[`out_${e.kind}`] = e;
  }
  return c;
}

function difference(first, second, last, seconds) {
  const grown = (from, entry, field) => (last[entry]?.[field] ?? 0) - (from[entry]?.[field] ?? 0);
  const percent = (from) =>
    (100 * grown(from, "in_audio", "concealedSamples")) / (grown(from, "in_audio", "totalSamplesReceived") || 1);
  const kbps = (entry) => (grown(first, entry, "bytesSent") * 8) / 1000 / seconds;
  const round = (x) => Number(x.toFixed(2));
  return {
    fps: round(grown(first, "in_video", "framesDecoded") / seconds),
    freezes: grown(first, "in_video", "freezeCount"),
    frozen_s: round(grown(first, "in_video", "totalFreezesDuration")),
    concealed_pct: round(percent(first)),
    concealed_late_pct: round(percent(second)),
    audio_kbps: round(kbps("out_audio")),
    video_kbps: round(kbps("out_video")),
    size: `${last.in_video?.frameWidth ?? 0}x${last.in_video?.frameHeight ?? 0}`,
  };
}
