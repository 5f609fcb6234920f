import { expect, test } from "vitest";
import { mediaProblem, mediaUnavailable } from "./problems.ts";

test.each([
  ["NotAllowedError", "Permission denied", "denied", "blocked"],
  ["NotAllowedError", "Permission denied", null, "blocked"],
  ["NotAllowedError", "Permission dismissed", "prompt", "dismissed"],
  ["NotAllowedError", "Permission denied", "prompt", "dismissed"],
  ["NotAllowedError", "Permission denied by system", "granted", "os-blocked"],
  [
    "NotAllowedError",
    "The request is not allowed by the user agent or the platform in the current context.",
    "granted",
    "os-blocked",
  ],
  [
    "NotAllowedError",
    "The request is not allowed by the user agent or the platform in the current context.",
    "denied",
    "blocked",
  ],
  ["SecurityError", "", null, "blocked"],
  ["NotFoundError", "Requested device not found", "granted", "none"],
  ["OverconstrainedError", "", "granted", "none"],
  ["NotReadableError", "Could not start video source", "granted", "in-use"],
  ["NotReadableError", "Permission denied by system", "granted", "os-blocked"],
  ["AbortError", "Starting videoinput failed", "granted", "in-use"],
  ["TypeError", "", null, "unsupported"],
  ["Whatever", "", null, "unknown"],
] as const)("%s (%s), permission %s: %s", (name, message, permission, want) => {
  expect(mediaProblem(new DOMException(message, name), permission)).toBe(want);
});

test("something that is no error at all", () => {
  expect(mediaProblem("no", null)).toBe("unknown");
});

test("before asking", () => {
  expect(mediaUnavailable({ isSecureContext: false, mediaDevices: undefined })).toBe("insecure");
  expect(mediaUnavailable({ isSecureContext: true, mediaDevices: undefined })).toBe("unsupported");
  expect(mediaUnavailable({ isSecureContext: true, mediaDevices: {} })).toBeNull();
});
