import { readdirSync, readFileSync } from "node:fs";

const assets = new URL("dist/assets/", import.meta.url);
const files = readdirSync(assets);
const find = (pattern) => files.find((file) => pattern.test(file)) ?? `no ${pattern}: build first`;

/** A chunk, all that it imports before it can run, and the style sheets of the same names. */
function closure(...entries) {
  const seen = new Set();
  const queue = entries.map(find);
  for (const file of queue) {
    if (seen.has(file)) continue;
    seen.add(file);
    const code = readFileSync(new URL(file, assets), "utf8");
    for (const [, name] of code.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([^"']+\.js)["']/g)) queue.push(name);
  }
  const names = new Set([...seen].map((file) => file.replace(/-[\w-]{8}\.js$/, "")));
  const styles = files.filter((file) => file.endsWith(".css") && names.has(file.replace(/-[\w-]{8}\.css$/, "")));
  return [...seen, ...styles].map((file) => `dist/assets/${file}`);
}

/** What the browser loads before somebody can press a button; cryptography comes after the first paint. */
export default [
  { name: "Start page", path: closure(/^main-.*\.js$/), gzip: true, limit: "75 kB" },
  { name: "Lobby", path: closure(/^main-.*\.js$/, /^Call-.*\.js$/), gzip: true, limit: "150 kB" },
];
