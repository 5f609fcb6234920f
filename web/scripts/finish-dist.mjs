/*
 * After the bundler: an integrity value for every script, compressed copies for the server to send as they are, and
 * bundle.json, the list of all files by hash. Nothing here depends on time, place or machine: the same source makes the
 * same bytes.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { foreign } from "./quiet.mjs";

const dist = new URL("../dist/", import.meta.url);
const compressible = /\.(html|js|css|svg|json|wasm|tflite)$/;
const smallest = 512; // below, the header costs more than compression saves
const large = 1_000_000; // bytes; from there on the best brotli takes half a minute and saves a tenth

const read = (path) => readFileSync(new URL(path, dist));
const files = () =>
  readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(dist.pathname.length).replace(/^\/+/, ""))
    .sort();

function integrity(path) {
  return `sha384-${createHash("sha384").update(read(path)).digest("base64")}`;
}

/**
 * The page vouches for every module, those that come later too: browsers take the values from an import map (HTML,
 * "integrity" of import maps). The map has to be in the page; the server allows it by its hash.
 */
function page() {
  const scripts = files().filter((file) => file.endsWith(".js"));
  const map = JSON.stringify({ integrity: Object.fromEntries(scripts.map((file) => [`/${file}`, integrity(file)])) });
  const html = read("index.html")
    .toString()
    .replace(/\s*<script type="importmap">.*?<\/script>/, "")
    .replace(
      /<(script|link)\b([^>]*?\b(?:src|href)="\/(assets\/[^"]+)"[^>]*)>/g,
      (_, tag, attributes, path) => `<${tag}${attributes} integrity="${integrity(path)}">`,
    )
    .replace("<title>", `<script type="importmap">${map}</script>\n    <title>`);
  if (/<script(?![^>]*\bsrc=)(?! type="importmap">)/.test(html))
    throw new Error("index.html has an inline script: the policy forbids it");
  return html;
}

function manifest() {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const list = files().map((path) => {
    const content = read(path);
    return { path, size: content.length, sha256: createHash("sha256").update(content).digest("hex") };
  });
  return `${JSON.stringify({ version, files: list }, null, 1)}\n`;
}

/** What talks to others than our own server does not ship. */
function checkForeign() {
  for (const file of files())
    if (/\.(js|html)$/.test(file) && foreign.test(read(file).toString())) throw new Error(`${file} names ${foreign}`);
}

checkForeign();
for (const file of files()) if (/\.(gz|br)$|^bundle\.json$/.test(file)) rmSync(new URL(file, dist));
writeFileSync(new URL("index.html", dist), page());
writeFileSync(new URL("bundle.json", dist), manifest());

for (const file of files()) {
  if (!compressible.test(file)) continue;
  const content = read(file);
  if (content.length < smallest) continue;
  writeFileSync(new URL(`${file}.gz`, dist), gzipSync(content, { level: 9 }));
  const quality = content.length < large ? constants.BROTLI_MAX_QUALITY : 9;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(new URL(`${file}.br`, dist), brotliCompressSync(content, { params }));
}
