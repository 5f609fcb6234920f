import {
  LineKindCamera,
  LineKindMicrophone,
  LineKindScreen,
  LineKindScreenSound,
  type Line,
  type LineKind,
} from "../protocol/sealed.gen.ts";

/** What the other party sends on the m-lines of the media plan, by its role. */
const plan: Readonly<Record<"host" | "guest", Readonly<Record<string, LineKind>>>> = {
  host: { "0": LineKindMicrophone, "1": LineKindCamera },
  guest: { "2": LineKindMicrophone, "3": LineKindCamera },
};

const medium: Readonly<Record<LineKind, "audio" | "video">> = {
  [LineKindMicrophone]: "audio",
  [LineKindCamera]: "video",
  [LineKindScreen]: "video",
  [LineKindScreenSound]: "audio",
};

/**
 * What an m-line carries from `sender`, as the plan or its last description says; null if neither does, or if the line is
 * of the other medium: then nothing of it is taken.
 */
export function lineKind(
  sender: "host" | "guest",
  lines: readonly Line[],
  mid: string | null,
  got: string,
): LineKind | null {
  if (mid === null) return null;
  const kind = plan[sender][mid] ?? lines.find((line) => line.mid === mid)?.kind ?? null;
  return kind !== null && medium[kind] === got ? kind : null;
}
