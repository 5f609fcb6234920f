import { LimitFileName } from "../../protocol/sealed.gen.ts";
import { cleanLine } from "../text.ts";

/** What Windows takes for a device, with any ending. */
const devices = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Endings of what runs, or of documents that can bring programs along, when opened. */
const programs = new Set(
  (
    "apk app appimage appref-ms bat bin cmd com command cpl deb desktop dll dmg docm dotm elf exe gadget hta htm html inf " +
    "ins iso img jar js jse lnk mht mhtml msc msi msix msp mst ns pif pkg pl ppam potm pptm ps1 ps1xml ps2 psc1 py pyw rb reg rpm " +
    "run scf scr scpt sct sh shb shs sldm svg swf url vb vbe vbs vhd vhdx wim ws wsc wsf wsh xht xhtml xlam xlsm xltm xml"
  ).split(" "),
);

/** A stranger's file name as one that can be shown and stored: no path, no hidden file, no device, its ending kept. */
export function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const plain = cleanLine(last.replaceAll(/[<>:"|?*\u200b-\u200d\u2060\ufeff]/g, "_"), 1_000)
    .replace(/^[.\s]+/, "")
    .replace(/[.\s]+$/, "");
  const seen = cleanLine(plain, 1_000); // what is left without its dots may be nothing that could be seen
  const named = devices.test(seen) ? `_${seen}` : seen;
  if (named === "") return "file";
  const letters = [...named];
  if (letters.length <= LimitFileName) return named;
  const [ending = ""] = /\.[^.]{1,12}$/.exec(named) ?? [];
  return letters.slice(0, LimitFileName - [...ending].length).join("") + ending;
}

/** Opening it may run a program. */
export function canRun(name: string): boolean {
  return programs.has(name.split(".").at(-1)?.toLowerCase() ?? "");
}
