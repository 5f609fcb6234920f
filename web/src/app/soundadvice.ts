import type { EchoVerdict } from "../engine/checks/echo.ts";
import type { MicVerdict } from "../engine/checks/microphone.ts";
import type { Light } from "../engine/checks/verdict.ts";
import { m } from "../i18n/paraglide/messages.js";

/** One sentence for each finding: what is so, and what to do. */
export function micAdvice({ finding, values }: MicVerdict): string {
  switch (finding) {
    case "listening":
      return m.sound_mic_listening();
    case "silent":
      return m.sound_mic_silent();
    case "quiet":
      return m.sound_mic_quiet();
    case "clipping":
      return m.sound_mic_clipping();
    case "hum":
      return m.sound_mic_hum({ hz: values?.["hz"] ?? 50 });
    case "noisy":
      return m.sound_mic_noisy();
    case "good":
      return m.sound_mic_good();
  }
}

export function echoAdvice({ finding }: EchoVerdict): string {
  switch (finding) {
    case "measuring":
      return m.sound_echo_measuring();
    case "none":
      return m.sound_echo_none();
    case "some":
      return m.sound_echo_some();
    case "strong":
      return m.sound_echo_strong();
    case "unheard":
      return m.sound_echo_unheard();
  }
}

/** How a verdict is shown; never by colour alone: the icon and the sentence say it, too. */
export function toneOf(light: Light): "good" | "amber" | "info" {
  if (light === "good") return "good";
  return light === "fair" || light === "poor" ? "amber" : "info";
}
