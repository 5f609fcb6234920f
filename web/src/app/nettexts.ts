import { m } from "../i18n/paraglide/messages.js";
import type { NetworkFinding, NetworkPaths, PathState } from "./netcheck.svelte.ts";

/** What was found, and what to do about it. */
export function netAdvice(finding: NetworkFinding): string {
  switch (finding) {
    case "measuring":
      return m.net_find_measuring();
    case "good":
      return m.net_find_good();
    case "loss":
      return m.net_find_loss();
    case "delay":
      return m.net_find_delay();
    case "jitter":
      return m.net_find_jitter();
    case "slow-up":
      return m.net_find_slow_up();
    case "slow-down":
      return m.net_find_slow_down();
    case "no-udp":
      return m.net_find_no_udp();
    case "blocked":
      return m.net_find_blocked();
    case "offline":
      return m.net_find_offline();
    case "away":
      return m.net_find_away();
    case "busy":
      return m.net_find_busy();
  }
}

export function pathName(way: keyof NetworkPaths): string {
  return way === "udp" ? m.net_path_udp() : way === "tcp" ? m.net_path_tcp() : m.net_path_tls();
}

/** One way in a line: whether it works, and how well. */
export function lineText(path: PathState, waiting: boolean, locale: string): string {
  switch (path.state) {
    case "unknown":
      return waiting ? m.net_state_waiting() : m.net_state_unknown();
    case "blocked":
      return m.net_state_blocked();
    case "absent":
      return m.net_state_absent();
    case "works": {
      const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
      const { rttMs, jitterMs, lossUp, lossDown, upKbps, downKbps } = path.facts;
      const line = m.net_state_works({
        rtt: number.format(Math.round(rttMs)),
        jitter: number.format(Math.round(jitterMs)),
        up: number.format(lossUp * 100),
        down: number.format(lossDown * 100),
      });
      if (upKbps === null || downKbps === null) return line;
      return `${line} ${m.net_rates({ up: number.format(upKbps / 1000), down: number.format(downKbps / 1000) })}`;
    }
  }
}
