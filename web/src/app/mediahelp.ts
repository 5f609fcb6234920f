import type { DeviceKind, MediaProblem } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { BrowserKind, SystemKind } from "./browser.ts";

export interface Help {
  what: string; // what happened
  fix: string; // the next step
  retry: boolean; // asking again can help
}

type Capture = Exclude<DeviceKind, "speaker">;

/** What happened to a microphone or camera, and the steps for this very browser. */
export function mediaHelp(kind: Capture, problem: MediaProblem, browser: BrowserKind, system: SystemKind): Help {
  const mic = kind === "mic";
  const device = mic ? m.call_microphone() : m.call_camera();
  switch (problem) {
    case "blocked":
      return {
        what: mic ? m.perm_mic_blocked() : m.perm_camera_blocked(),
        fix: unblock[browser]({ device }),
        retry: true,
      };
    case "dismissed":
      return {
        what: mic ? m.perm_mic_dismissed() : m.perm_camera_dismissed(),
        fix: m.perm_dismissed_fix(),
        retry: true,
      };
    case "os-blocked":
      return { what: mic ? m.perm_mic_os() : m.perm_camera_os(), fix: unblockSystem[system]({ device }), retry: true };
    case "in-use":
      return { what: mic ? m.perm_mic_in_use() : m.perm_camera_in_use(), fix: m.perm_in_use_fix(), retry: true };
    case "none":
      return { what: mic ? m.perm_mic_none() : m.perm_camera_none(), fix: m.perm_none_fix(), retry: true };
    case "insecure":
      return { what: m.perm_insecure(), fix: m.perm_insecure_fix(), retry: false };
    case "unsupported":
      return { what: m.perm_unsupported(), fix: m.perm_unsupported_fix(), retry: false };
    case "unknown":
      return { what: mic ? m.perm_mic_unknown() : m.perm_camera_unknown(), fix: m.perm_unknown_fix(), retry: true };
  }
}

type Text = (inputs: { device: string }) => string;

const unblock: Record<BrowserKind, Text> = {
  chrome: m.perm_fix_chrome,
  edge: m.perm_fix_edge,
  firefox: m.perm_fix_firefox,
  safari: m.perm_fix_safari,
  "chrome-android": m.perm_fix_chrome_android,
  "firefox-android": m.perm_fix_firefox_android,
  "safari-ios": m.perm_fix_safari_ios,
  "other-ios": m.perm_fix_other_ios,
  other: m.perm_fix_other,
};

const unblockSystem: Record<SystemKind, Text> = {
  windows: m.perm_os_windows,
  macos: m.perm_os_macos,
  linux: m.perm_os_linux,
  android: m.perm_os_android,
  ios: m.perm_os_ios,
  chromeos: m.perm_os_chromeos,
  other: m.perm_os_other,
};
