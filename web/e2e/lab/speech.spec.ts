import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";
import { intelligibility, listen, readSpeech, speak } from "./speech.ts";

const said = "The quick brown fox jumps over the lazy dog, while seven wise owls watch from an old oak by the river.";
const other = "Please bring forty pounds of sugar to the kitchen before noon, and tell my brother that I cannot come.";

test("every fifth packet lost: speech is still understood", async ({ lab, person }, info) => {
  const files = [said, other].map((text, i) => {
    const file = join(tmpdir(), `visavis-speech-${process.pid}-${i}.wav`);
    speak(text, file);
    return file;
  });
  const [speech = "", foreign = ""] = files;
  const [host, guest] = await Promise.all([person("host", { speech }), person("guest", { link: "delay=25ms" })]);
  await connect(host, guest);
  const reference = readSpeech(speech);
  const seconds = reference.length / 16_000;

  const clean = intelligibility(await listen(guest, seconds), reference);
  await lab.do("link guest loss=20%");
  const heard = await listen(guest, seconds);
  const lossy = intelligibility(heard, reference);
  // How alike two recordings are that have nothing to do with each other.
  const nothing = intelligibility(heard, readSpeech(foreign));
  for (const file of files) rmSync(file);

  const figures = `clean ${clean.toFixed(3)}, 20 % loss ${lossy.toFixed(3)}, other speech ${nothing.toFixed(3)}`;
  console.log(`speech against its reference: ${figures}`);
  info.annotations.push({ type: "speech", description: figures });
  // Unrelated speech has about 0.26, a good line about 0.9.
  expect(lossy).toBeGreaterThan(Math.max(0.5, nothing + 0.2));
});
