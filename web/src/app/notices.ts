import type { Notice } from "../engine/types.ts";
import { m } from "../i18n/paraglide/messages.js";
import type { IconName } from "../ui/icons.gen.ts";

export interface NoticeText {
  text: string;
  icon: IconName;
  tone: "info" | "amber" | "red";
}

/** One line for something that happened; null if the page shows it in another way. */
export function noticeText(notice: Notice, name: string): NoticeText | null {
  switch (notice.kind) {
    case "peer-joined":
      return { text: m.notice_live({ name }), icon: "user-check", tone: "info" };
    case "peer-left":
      return { text: m.notice_left({ name }), icon: "log-out", tone: "info" };
    case "peer-muted":
      return { text: m.notice_muted({ name }), icon: "mic-off", tone: "info" };
    case "peer-unmuted":
      return { text: m.notice_unmuted({ name }), icon: "mic", tone: "info" };
    case "peer-camera-off":
      return { text: m.notice_camera_off({ name }), icon: "video-off", tone: "info" };
    case "peer-camera-on":
      return { text: m.notice_camera_on({ name }), icon: "video", tone: "info" };
    case "peer-screen-on":
      return { text: m.share_notice_on({ name }), icon: "monitor-up", tone: "info" };
    case "peer-screen-off":
      return { text: m.share_notice_off({ name }), icon: "monitor-off", tone: "info" };
    case "peer-verified":
      return { text: m.notice_verified({ name }), icon: "shield-check", tone: "info" };
    case "wrong-password":
      return { text: m.host_wrong_password(), icon: "key-round", tone: "amber" };
    case "locked":
      return { text: m.host_locked_title(), icon: "lock", tone: "amber" };
    case "device-lost":
      return { text: deviceLost(notice), icon: "triangle-alert", tone: "amber" };
    case "device-back":
      return { text: m.notice_device_back({ label: notice.label ?? "" }), icon: "circle-check", tone: "info" };
    case "peer-device-gone":
    case "peer-device-other":
      return { text: peerDevice(notice, name), icon: "triangle-alert", tone: "amber" };
    case "peer-device-back":
      return { text: peerDevice(notice, name), icon: "circle-check", tone: "info" };
    case "effects-reduced":
      return { text: m.effects_reduced(), icon: "info", tone: "info" };
    case "effects-slow":
      return { text: m.effects_slow(), icon: "triangle-alert", tone: "amber" };
    case "effects-failed":
      return { text: m.effects_failed(), icon: "triangle-alert", tone: "amber" };
    default:
      return null;
  }
}

function peerDevice({ kind, device }: Notice, name: string): string {
  const camera = device === "camera";
  if (kind === "peer-device-back") return camera ? m.truth_peer_camera_back({ name }) : m.truth_peer_mic_back({ name });
  if (kind === "peer-device-gone") return camera ? m.truth_peer_camera_gone({ name }) : m.truth_peer_mic_gone({ name });
  return camera ? m.truth_peer_camera_other({ name }) : m.truth_peer_mic_other({ name });
}

function deviceLost({ device, label = "" }: Notice): string {
  if (device === "camera") return label ? m.notice_camera_lost({ label }) : m.notice_camera_gone();
  if (device === "speaker") return m.notice_speaker_lost({ label: label || m.lobby_speaker_default() });
  return label ? m.notice_mic_lost({ label }) : m.notice_mic_gone();
}
