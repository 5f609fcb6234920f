/*
 * A connection that was made in a frame of ours (freshview.ts) gives out objects of that frame's classes, for which
 * `instanceof` says no.
 */

const is = (value: unknown, name: string) => Object.prototype.toString.call(value) === `[object ${name}]`;

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return is(value, "ArrayBuffer");
}

/** What the browser's own methods throw. */
export function isDOMException(value: unknown): value is DOMException {
  return is(value, "DOMException");
}
