import type { Page } from "@playwright/test";

/** Runs in each page and each frame in it before its own code, so that tests can ask the page's peer connections. */
export function watchConnections(): void {
  const page = (window.top ?? window) as Window & { connections?: RTCPeerConnection[] };
  const connections = (page.connections ??= []);
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  };
}

/** What has come from the other side by now. */
export interface Received {
  readonly at: number; // ms
  readonly frames: number; // decoded
  readonly videoBytes: number;
  readonly audioBytes: number;
  readonly samples: number; // of sound played, in all
  readonly concealed: number; // of them made up, because nothing had come; without pauses of the speaker
  readonly path: string; // type of the local candidate in use, its address
  readonly into: string; // how the relay is reached, if that candidate is relayed: udp, tcp, tls
}

export function received(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const live = connections.findLast((c) => c.connectionState === "connected") ?? connections[0];
    if (!live) throw new Error("no connection");
    const all = [...(await live.getStats()).values()] as Record<string, unknown>[];
    const number = (kind: string, name: string) =>
      all
        .filter((s) => s["type"] === "inbound-rtp" && s["kind"] === kind)
        .reduce((n, s) => n + Number(s[name] ?? 0), 0);
    const transport = all.find((s) => s["type"] === "transport");
    const pair = all.find((s) => s["id"] === transport?.["selectedCandidatePairId"]);
    const local = all.find((s) => s["id"] === pair?.["localCandidateId"]);
    return {
      at: performance.now(),
      frames: number("video", "framesDecoded"),
      videoBytes: number("video", "bytesReceived"),
      audioBytes: number("audio", "bytesReceived"),
      samples: number("audio", "totalSamplesReceived"),
      concealed: number("audio", "concealedSamples") - number("audio", "silentConcealedSamples"),
      path: `${local?.["candidateType"]} ${local?.["address"]}`,
      into: String(local?.["relayProtocol"] ?? ""),
    };
  });
}

/** What came within `ms`: rates in kbit/s, frames per second, and which part of the sound was made up. */
export async function flow(page: Page, ms: number) {
  const before = await received(page);
  await page.waitForTimeout(ms); // a window to measure in, nothing is waited for
  const after = await received(page);
  const seconds = (after.at - before.at) / 1000;
  return {
    audio: ((after.audioBytes - before.audioBytes) * 8) / 1000 / seconds,
    video: ((after.videoBytes - before.videoBytes) * 8) / 1000 / seconds,
    fps: (after.frames - before.frames) / seconds,
    concealed: (after.concealed - before.concealed) / Math.max(1, after.samples - before.samples),
  };
}
