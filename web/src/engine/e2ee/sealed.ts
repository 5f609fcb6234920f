/** Sealed JSON messages: their bounds, and who may say what when. */
import { LimitBytes, LimitDepth } from "../../protocol/sealed.gen.ts";
import type { SealedJSON } from "./effects.ts";
import { fromUtf8, utf8 } from "./encode.ts";
import { E2EEError } from "./errors.ts";
import type { LinkRole } from "./link.ts";

/**
 * A machine says this first under new keys: the guest's tells the host that M4 has arrived, the host's tells the guest that
 * nothing comes under the keys of the last epoch any more. It is not passed on.
 */
export const READY_MESSAGE: SealedJSON = { t: "ready" };

/** How far a session has come. Over: refused, or hung up; nothing more is heard. */
export type Standing = "waiting" | "admitted" | "over";

/** deliver; ignore: unknown to this version, or too late to matter; violation: nobody who keeps to the protocol sends this now. */
type Verdict = "deliver" | "ignore" | "violation";

interface Rule {
  readonly from: LinkRole | "both";
  readonly when: Exclude<Standing, "over"> | "always";
}

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["knock", { from: "guest", when: "waiting" }],
  ["hello", { from: "host", when: "always" }],
  ["admit", { from: "host", when: "always" }],
  ["hold", { from: "host", when: "waiting" }],
  ["deny", { from: "host", when: "waiting" }],
  ["sdp", { from: "both", when: "admitted" }],
  ["ice", { from: "both", when: "admitted" }],
  ["ice-end", { from: "both", when: "admitted" }],
  ["rehearse", { from: "both", when: "always" }],
  ["state", { from: "both", when: "admitted" }],
  ["want", { from: "both", when: "admitted" }],
  ["chat", { from: "both", when: "admitted" }],
  ["rekey", { from: "guest", when: "admitted" }],
  ["rekey-ok", { from: "host", when: "admitted" }],
  ["rekey-please", { from: "host", when: "admitted" }],
  ["hs", { from: "both", when: "admitted" }],
  ["chat-ack", { from: "both", when: "admitted" }],
  ["verify", { from: "both", when: "always" }],
  ["bye", { from: "both", when: "always" }],
  ["err", { from: "both", when: "always" }],
]);

/** Whether to pass on what a peer says; E_STATE for a violation. */
export function hears(sender: LinkRole, type: string, standing: Standing): boolean {
  const verdict = judge(sender, type, standing);
  if (verdict === "violation") throw new E2EEError("E_STATE");
  return verdict === "deliver";
}

/** E_STATE unless we may say this now. */
export function checkSays(sender: LinkRole, type: string, standing: Standing): void {
  if (judge(sender, type, standing) !== "deliver" && type !== READY_MESSAGE.t) throw new E2EEError("E_STATE");
}

function judge(sender: LinkRole, type: string, standing: Standing): Verdict {
  const rule = RULES.get(type);
  if (rule === undefined || standing === "over") return "ignore";
  if (rule.from !== "both" && rule.from !== sender) return "violation";
  if (rule.when === "always" || rule.when === standing) return "deliver";
  return type === "knock" ? "ignore" : "violation"; // a knock may cross the admission
}

/** Whether this message ends the session for good. */
export function parts(type: string): boolean {
  return type === "deny" || type === "bye";
}

/** E_SIZE above the limit. */
export function encodeMessage(json: SealedJSON): Uint8Array {
  const bytes = utf8(JSON.stringify(json));
  if (bytes.length > LimitBytes) throw new E2EEError("E_SIZE", "sealed message");
  return bytes;
}

/** Reads one sealed message; E_SIZE, or E_PARSE if it is not a JSON object with a type, or nested too deep. */
export function decodeMessage(bytes: Uint8Array): SealedJSON {
  if (bytes.length > LimitBytes) throw new E2EEError("E_SIZE", "sealed message");
  const text = fromUtf8(bytes);
  if (depth(text) > LimitDepth) throw new E2EEError("E_PARSE", "sealed message is nested too deep");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new E2EEError("E_PARSE", "sealed message is not JSON");
  }
  if (typeof value !== "object" || value === null || !("t" in value) || typeof value.t !== "string") {
    throw new E2EEError("E_PARSE", "sealed message without type");
  }
  return value as SealedJSON;
}

/** The deepest nesting, counted before parsing. Of text that is not JSON it means nothing, and the parser refuses that. */
function depth(text: string): number {
  let deepest = 0;
  let level = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inString && c === "\\") i++;
    else if (c === '"') inString = !inString;
    else if (inString) continue;
    else if (c === "{" || c === "[") deepest = Math.max(deepest, ++level);
    else if (c === "}" || c === "]") level--;
  }
  return deepest;
}
