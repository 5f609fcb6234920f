// Fails when a message is missing in a language, is not used, or has other placeholders than the English one.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));
const settings = JSON.parse(readFileSync(join(web, "project.inlang/settings.json"), "utf8"));
const patterns = settings["plugin.inlang.messageFormat"].pathPattern;
const problems = [];

/** All texts of a message: one, or one per plural form. */
function texts(message) {
  if (typeof message === "string") return [message];
  return message.flatMap((variants) => Object.values(variants.match));
}

function placeholders(message) {
  const names = texts(message).flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
  return [...new Set(names)].sort().join(" ");
}

function catalogue(pattern, locale) {
  const path = pattern.replace("{locale}", locale);
  return { path, messages: JSON.parse(readFileSync(join(web, path), "utf8")) };
}

/** Text of every source file that may use a message. */
function source(dir) {
  const files = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /\.(svelte|ts)$/.test(file) && !file.endsWith(".test.ts") && !file.startsWith("i18n/paraglide/"))
    .map((file) => readFileSync(join(dir, file), "utf8"))
    .join("\n");
}

const code = source(join(web, "src"));
const words = new Set(code.match(/\b[a-z][a-z0-9_]*\b/g));
// `emoji_${name}`: every message that starts like this is used.
const prefixes = [...code.matchAll(/`([a-z][a-z0-9]*_(?:[a-z0-9]+_)*)\$\{/g)].map((match) => match[1]);
const seen = new Map();

for (const pattern of patterns) {
  const base = catalogue(pattern, settings.baseLocale);
  for (const [key, message] of Object.entries(base.messages)) {
    if (seen.has(key)) problems.push(`${base.path}: ${key} is in ${seen.get(key)} already`);
    seen.set(key, base.path);
    if (!words.has(key) && !prefixes.some((prefix) => key.startsWith(prefix))) {
      problems.push(`${base.path}: ${key} is not used`);
    }
    if (texts(message).some((text) => text.trim() === "")) problems.push(`${base.path}: ${key} is empty`);
  }
  for (const locale of settings.locales.filter((locale) => locale !== settings.baseLocale)) {
    const { path, messages } = catalogue(pattern, locale);
    for (const [key, message] of Object.entries(base.messages)) {
      if (!(key in messages)) problems.push(`${path}: ${key} is missing`);
      else if (texts(messages[key]).some((text) => text.trim() === "")) problems.push(`${path}: ${key} is empty`);
      else if (placeholders(messages[key]) !== placeholders(message)) {
        problems.push(
          `${path}: ${key} has placeholders {${placeholders(messages[key])}}, not {${placeholders(message)}}`,
        );
      }
    }
    for (const key of Object.keys(messages)) {
      if (!(key in base.messages)) problems.push(`${path}: ${key} is not in ${base.path}`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(`${seen.size} messages in ${settings.locales.length} languages, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
