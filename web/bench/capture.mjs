/** What two browsers send to the relay, from a file of tcpdump: who sent what kind of packet, and when. */
import { readFileSync } from "node:fs";

const LITTLE_MICRO = 0xa1b2c3d4; // pcap-savefile(5), as tcpdump writes it on amd64 and arm64
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const UDP = 8;
const CHANNEL = 4; // RFC 8656 §12.4
const SOUND = new Set([111, 63]); // Chromium's payload types of Opus and RED

/**
 * @param {string} path
 * @param {number} port the server's
 * @returns {{ at: number, from: number, kind: "sound" | "picture" | "other", size: number }[]} sent to the server; at in µs
 */
export function sentTo(path, port) {
  const file = readFileSync(path);
  if (file.readUInt32LE(0) !== LITTLE_MICRO) throw new Error("not a capture of tcpdump -w on this kind of machine");
  const packets = [];
  for (let at = FILE_HEADER; at + RECORD_HEADER <= file.length;) {
    const time = file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4);
    const captured = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + RECORD_HEADER, at + RECORD_HEADER + captured);
    at += RECORD_HEADER + captured;
    const ip = ETHERNET;
    const udp = ip + (frame[ip] & 0xf) * 4;
    const data = udp + UDP;
    if (frame.length < data + CHANNEL + 12 || frame.readUInt16BE(udp + 2) !== port) continue;
    packets.push({
      at: time,
      from: frame.readUInt16BE(udp),
      kind: kind(frame.subarray(data)),
      size: frame.readUInt16BE(udp + 4) - UDP,
    });
  }
  return packets;
}

/** RFC 7983 §7 tells channel data, RFC 5761 §4 RTP from RTCP. */
function kind(data) {
  if (data[0] >> 6 !== 1 || data[CHANNEL] >> 6 !== 2) return "other";
  const second = data[CHANNEL + 1];
  if (second >= 192 && second <= 223) return "other";
  return SOUND.has(second & 0x7f) ? "sound" : "picture";
}

/** Packets of one sender that follow each other closer than `gap` µs are a burst. */
export function bursts(packets, gap) {
  const last = new Map();
  const out = [];
  for (const packet of packets) {
    const open = last.get(packet.from);
    if (open && packet.at - open.at(-1).at < gap) {
      open.push(packet);
      continue;
    }
    const fresh = [packet];
    last.set(packet.from, fresh);
    out.push(fresh);
  }
  return out;
}
