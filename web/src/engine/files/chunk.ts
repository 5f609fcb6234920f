import { LimitFileChunk } from "../../protocol/sealed.gen.ts";
import { concat, fromBase64Url, readU64, toBase64Url, u64 } from "../e2ee/encode.ts";
import { E2EEError } from "../e2ee/errors.ts";

const ID_BYTES = 12;
const HEADER_BYTES = ID_BYTES + 8;

/** A part of a file: id(12) || offset(8) || bytes. */
export interface Chunk {
  readonly id: string; // base64url
  readonly off: number;
  readonly bytes: Uint8Array;
}

export function encodeChunk({ id, off, bytes }: Chunk): Uint8Array {
  return concat(fromBase64Url(id), u64(off), bytes);
}

/** E_PARSE for anything else. */
export function decodeChunk(plain: Uint8Array): Chunk {
  const length = plain.length - HEADER_BYTES;
  if (length < 1 || length > LimitFileChunk) throw new E2EEError("E_PARSE", "length of a chunk");
  const id = toBase64Url(plain.subarray(0, ID_BYTES));
  return { id, off: readU64(plain, ID_BYTES), bytes: plain.subarray(HEADER_BYTES) };
}
