import { expect, test } from "vitest";
import { listDevices } from "./devices.ts";
import { loudness } from "./meter.ts";

test("lists real devices, without aliases and without the nameless", () => {
  const device = (kind: MediaDeviceKind, deviceId: string, label: string, groupId = "") => ({
    kind,
    deviceId,
    label,
    groupId,
  });
  const lists = listDevices([
    device("audioinput", "default", "Default - Headset", "h"),
    device("audioinput", "communications", "Communications - Headset", "h"),
    device("audioinput", "a", "Headset", "h"),
    device("videoinput", "", ""),
    device("audiooutput", "default", "The only one", "s"),
  ]);
  expect(lists).toEqual({
    mic: [{ id: "a", label: "Headset" }],
    camera: [],
    speaker: [{ id: "default", label: "The only one" }],
  });
});

test("loudness is linear in decibels, from -60 to 0", () => {
  expect(loudness(new Float32Array(1024))).toBe(0);
  expect(loudness(new Float32Array(1024).fill(1))).toBe(1);
  expect(loudness(new Float32Array(1024).fill(10 ** (-30 / 20)))).toBeCloseTo(0.5);
  expect(loudness(new Float32Array(1024).fill(1e-5))).toBe(0);
});
