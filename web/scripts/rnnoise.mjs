/*
 * RNNoise (Valin 2018; BSD) as WebAssembly. The package has version 0.2, the better one, only inlined into a script, as
 * text: taken out here, so that the page can load it as what it is, compile it beside the download, and only when
 * somebody wants it.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const sha256 = "4f513a50613de74378331237886138eab52fa2650e8b1a41eb587d932d9b8850";

const script = readFileSync(
  new URL("../node_modules/@jitsi/rnnoise-wasm/dist/rnnoise-sync.js", import.meta.url),
  "utf8",
);
const [, base64] = /data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)/.exec(script) ?? [];
const wasm = Buffer.from(base64 ?? "", "base64");
if (createHash("sha256").update(wasm).digest("hex") !== sha256)
  throw new Error("@jitsi/rnnoise-wasm is another one: check rnnoise.ts against it, then write its hash here");
writeFileSync(new URL("../src/engine/sound/rnnoise.wasm", import.meta.url), wasm);
