import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Page } from "@playwright/test";

interface End {
  readonly host: string;
  readonly port: number;
}

/** Stands in for one end towards all others: what is sent to it goes to that end. */
interface Stand {
  readonly end: End;
  readonly socket: Socket;
  readonly port: number;
  dead: boolean;
}

/**
 * The network between two pages, in user space and without privileges: every candidate that a page is told is replaced
 * by an address of this wire, which passes packets on after half a round trip, or does not.
 */
export class Wire {
  /** How many packets of media are lost, 0…1. */
  loss = 0;
  readonly #halfMs: number;
  readonly #stands = new Map<string, Promise<Stand>>();
  #swallow = false;
  #closed = false;

  constructor(rttMs = 0) {
    this.#halfMs = rttMs / 2;
  }

  /** From here on the page's media goes over this wire, and its socket is as slow. */
  async join(page: Page): Promise<void> {
    await page.exposeFunction(
      "standFor",
      async (host: string, port: number) => (await this.#stand({ host, port })).port,
    );
    await page.routeWebSocket(/./, (socket) => {
      const server = socket.connectToServer();
      const later = (act: () => void) => {
        setTimeout(() => {
          if (!this.#swallow) act();
        }, this.#halfMs / 2); // the server is half way
      };
      socket.onMessage((m) => later(() => server.send(m)));
      server.onMessage((m) => later(() => socket.send(m)));
    });
    const divert = () => {
      const { standFor } = (window.top ?? window) as unknown as {
        standFor(host: string, port: number): Promise<number>;
      };
      /** candidate:FOUNDATION COMPONENT PROTOCOL PRIORITY HOST PORT typ … (RFC 8839 §5.1); what is not UDP is lost. */
      const replace = async (line: string): Promise<string> => {
        const fields = line.split(" ");
        const [, , protocol, , host = "", port] = fields;
        if (protocol?.toLowerCase() !== "udp" || host.includes(":")) return "";
        if (line.includes(" typ relay ")) return ""; // of addresses that exist only inside the relay
        fields[5] = String(await standFor(host, Number(port)));
        return fields.join(" ");
      };
      const { prototype } = RTCPeerConnection;
      const { addIceCandidate, setRemoteDescription } = prototype;
      const add = addIceCandidate as (init?: RTCIceCandidateInit) => Promise<void>;
      prototype.addIceCandidate = async function (this: RTCPeerConnection, init?: RTCIceCandidateInit | null) {
        const candidate = init?.candidate ? await replace(init.candidate) : null;
        if (candidate !== "") await add.call(this, candidate === null ? (init ?? undefined) : { ...init, candidate });
      };
      const set = setRemoteDescription as (init: RTCSessionDescriptionInit) => Promise<void>;
      prototype.setRemoteDescription = async function (this: RTCPeerConnection, init: RTCSessionDescriptionInit) {
        const lines = (init.sdp ?? "").split("\r\n");
        const replaced = lines.map((line) => (line.startsWith("a=candidate:") ? replace(line) : line));
        const kept = (await Promise.all(replaced)).filter((line, i) => line !== "" || lines[i] === "");
        await set.call(this, { ...init, sdp: kept.join("\r\n") });
      };
    };
    await page.evaluate(divert);
    await page.addInitScript(divert); // for connections that the page makes in frames of their own
  }

  /** All paths that there are die; those over ports that are opened from now on live. */
  async killPaths(): Promise<void> {
    for (const stand of await Promise.all(this.#stands.values())) stand.dead = true;
  }

  /** The way to the server swallows everything, and nobody is told. */
  swallowServer(): void {
    this.#swallow = true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { socket } of await Promise.all(this.#stands.values())) socket.close();
  }

  #stand(end: End): Promise<Stand> {
    const key = `${end.host} ${end.port}`;
    const made = this.#stands.get(key) ?? this.#open(end);
    this.#stands.set(key, made);
    return made;
  }

  async #open(end: End): Promise<Stand> {
    const socket = createSocket("udp4").bind(0, end.host);
    await once(socket, "listening");
    const stand: Stand = { end, socket, port: socket.address().port, dead: false };
    socket.on("message", (packet, from) => void this.#pass(packet, { host: from.address, port: from.port }, stand));
    return stand;
  }

  async #pass(packet: Buffer, from: End, to: Stand): Promise<void> {
    const source = await this.#stand(from);
    if (to.dead || source.dead || Math.random() < this.loss) return;
    const send = () => {
      if (!this.#closed) source.socket.send(packet, to.end.port, to.end.host, () => undefined);
    };
    if (this.#halfMs > 0) setTimeout(send, this.#halfMs);
    else send();
  }
}
