import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromHex, toHex } from "./encode.ts";
import { codeOf } from "./errors.ts";
import { FileFrames } from "./fileframes.ts";
import { expandKey } from "./kdf.ts";

interface Vector {
  readonly case: number;
  readonly role: "guest" | "host";
  readonly epoch: number;
  readonly ctr: number;
  readonly key: string;
  readonly plain: string;
  readonly frame: string;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../../e2ee/testdata/vectors/${name}`, import.meta.url), "utf8"));

const calls = read("e2ee.json") as { prk: string; th4: string }[];

function side({ case: at, epoch, role }: Vector, sending: boolean): FileFrames {
  const call = calls[at];
  if (!call) throw new Error("no such call");
  const key = (name: string) => ({ key: expandKey(fromHex(call.prk), name, fromHex(call.th4), 32), name });
  const [g2h, h2g] = [key("files g2h"), key("files h2g")];
  return new FileFrames(
    (role === "guest") === sending ? { epoch, out: g2h, back: h2g } : { epoch, out: h2g, back: g2h },
  );
}

test.each(read("files.json") as Vector[])("frame $ctr of the $role, epoch $epoch", (v) => {
  const sender = side(v, true);
  if (v.ctr < 2) {
    for (let i = 0; i < v.ctr; i++) sender.seal(new Uint8Array(1));
    expect(toHex(sender.seal(fromHex(v.plain)))).toBe(v.frame);
  }
  const receiver = side(v, false);
  expect(toHex(receiver.open(fromHex(v.frame)))).toBe(v.plain);
  let code = "";
  try {
    receiver.open(fromHex(v.frame)); // once only
  } catch (error) {
    code = codeOf(error);
  }
  expect(code).toBe("E_SEQ");
});
