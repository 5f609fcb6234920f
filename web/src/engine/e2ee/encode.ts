import { E2EEError } from "./errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Decodes strict UTF-8; E_PARSE otherwise. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new E2EEError("E_PARSE", "not UTF-8");
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Compares in time that depends on the lengths only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let diff = 0;
  for (let i = 0; i < a.length; i++) diff |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return diff === 0;
}

export function u16(n: number): Uint8Array {
  return Uint8Array.of(n >>> 8, n & 0xff);
}

export function readU16(b: Uint8Array, at: number): number {
  return ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0);
}

/** A counter as 8 bytes. Counters stay far below 2^53, where number is exact. */
export function u64(n: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(n));
  return out;
}

/** Reads a counter; E_PARSE above 2^53 - 1, which no sender of ours can reach. */
export function readU64(b: Uint8Array, at: number): number {
  const n = new DataView(b.buffer, b.byteOffset, b.byteLength).getBigUint64(at);
  if (n > BigInt(Number.MAX_SAFE_INTEGER)) throw new E2EEError("E_PARSE", "counter out of range");
  return Number(n);
}

function leb128(n: number): number[] {
  const out: number[] = [];
  for (; n >= 0x80; n >>>= 7) out.push((n & 0x7f) | 0x80);
  out.push(n);
  return out;
}

/** LEB128 length, then the bytes: prepend_len of the CPace draft. */
export function prependLen(b: Uint8Array): Uint8Array {
  return concat(Uint8Array.from(leb128(b.length)), b);
}

/** lv_cat of the CPace draft: each part with its length in front. */
export function lv(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return concat(...parts.map((p) => prependLen(typeof p === "string" ? utf8(p) : p)));
}

/** Splits one length-prefixed field off b. The length is minimal and at most 2^28 - 1; E_PARSE otherwise. */
export function readField(b: Uint8Array): { field: Uint8Array; rest: Uint8Array } {
  let length = 0;
  for (let i = 0; ; i++) {
    const byte = b[i];
    if (byte === undefined || i > 3) throw new E2EEError("E_PARSE", "field length");
    length |= (byte & 0x7f) << (7 * i);
    if ((byte & 0x80) !== 0) continue;
    if (byte === 0 && i > 0) throw new E2EEError("E_PARSE", "field length is not minimal");
    const end = i + 1 + length;
    if (end > b.length) throw new E2EEError("E_PARSE", "field is cut off");
    return { field: b.subarray(i + 1, end), rest: b.subarray(end) };
  }
}

/**
 * Splits b into exactly one field per entry of lengths, with nothing left over.
 * An entry is a length, or null for any length. E_PARSE otherwise.
 */
export function readFields<const T extends readonly (number | null)[]>(
  b: Uint8Array,
  lengths: T,
): { [K in keyof T]: Uint8Array } {
  let rest = b;
  const fields = lengths.map((want) => {
    const next = readField(rest);
    if (want !== null && next.field.length !== want) throw new E2EEError("E_PARSE", "field of wrong length");
    rest = next.rest;
    return next.field;
  });
  if (rest.length !== 0) throw new E2EEError("E_PARSE", "bytes left over");
  return fields as { [K in keyof T]: Uint8Array };
}

export function toHex(b: Uint8Array): string {
  return Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
}

export function fromHex(s: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(s)) throw new E2EEError("E_PARSE", "not hexadecimal");
  return Uint8Array.from(s.match(/../g) ?? [], (x) => Number.parseInt(x, 16));
}

/** base64url without padding (RFC 4648 §5). */
export function toBase64Url(b: Uint8Array): string {
  const binary = Array.from(b, (x) => String.fromCharCode(x)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Decodes base64url; E_PARSE for padding, other alphabets, or stray bits after the last byte. */
export function fromBase64Url(s: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(s) || s.length % 4 === 1) throw new E2EEError("E_PARSE", "not base64url");
  const binary = atob(s.replaceAll("-", "+").replaceAll("_", "/"));
  const out = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  if (toBase64Url(out) !== s) throw new E2EEError("E_PARSE", "base64url is not canonical");
  return out;
}
