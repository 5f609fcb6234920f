/** The header of an SFrame ciphertext (RFC 9605 §4.3). */
export interface Header {
  readonly kid: bigint;
  readonly ctr: bigint;
  /** Of the header itself. */
  readonly length: number;
}

/** A config byte X KKK Y CCC, then KID and CTR where they do not fit into three bits. */
export function encodeHeader(kid: bigint, ctr: bigint): Uint8Array {
  const [highBits, kidBytes] = field(kid);
  const [lowBits, ctrBytes] = field(ctr);
  return Uint8Array.of((highBits << 4) | lowBits, ...kidBytes, ...ctrBytes);
}

/** Null if `frame` does not begin with a header, or with one in which a number is longer than it has to be. */
export function parseHeader(frame: Uint8Array): Header | null {
  const config = frame[0];
  if (config === undefined) return null;
  const kid = parseField(config >> 4, frame, 1);
  const ctr = kid && parseField(config & 0x0f, frame, kid.end);
  return ctr && { kid: kid.value, ctr: ctr.value, length: ctr.end };
}

function field(value: bigint): [bits: number, bytes: readonly number[]] {
  if (value < 8n) return [Number(value), []];
  const bytes: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn));
  return [0x08 | (bytes.length - 1), bytes];
}

function parseField(config: number, frame: Uint8Array, at: number): { value: bigint; end: number } | null {
  if ((config & 0x08) === 0) return { value: BigInt(config), end: at };
  const end = at + (config & 0x07) + 1;
  if (frame.length < end || frame[at] === 0) return null;
  let value = 0n;
  for (const byte of frame.subarray(at, end)) value = (value << 8n) | BigInt(byte);
  return value < 8n ? null : { value, end };
}
