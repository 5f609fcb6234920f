import { readFile } from "node:fs/promises";
import { enterAsHost, expectLive, startCall } from "../support/call.ts";
import { expect, test } from "./fixtures.ts";
import { expectBars, expectTone, readWords } from "./senses.ts";

test("a browser hosts somebody at a terminal", async ({ person, native }, info) => {
  const host = await person();
  const link = await startCall(host);
  await enterAsHost(host);
  const recording = info.outputPath("received.webm");
  const guest = native(link, "--name", "Cleo", "--note", "from the kiosk", "--record", recording);

  await expect(host.getByRole("heading", { name: "Cleo would like to join" })).toBeVisible();
  await expect(host.getByText("from the kiosk")).toBeVisible();
  expect(await guest.next("hello")).toMatchObject({ name: "Ada" });
  await host.getByRole("button", { name: "Admit" }).click();
  await expectLive(host);
  expect(await guest.next("live")).toMatchObject({ path: "direct" });

  await test.step("the browser sees the bars and hears 660 Hz", async () => {
    await expectBars(host);
    await expectTone(host);
    expect(await guest.next("frames")).toMatchObject({ sframe: "active" });
  });

  await test.step("chat goes both ways", async () => {
    guest.type("Grüße from the <b>terminal</b>");
    await host.getByRole("button", { name: "Chat, unread: 1" }).click();
    await expect(host.getByRole("log").getByText("Grüße from the <b>terminal</b>")).toBeVisible();
    await guest.next("chat_delivered");
    await host.getByLabel("Message").fill("and back 🌍");
    await host.getByLabel("Message").press("Enter");
    expect(await guest.next("chat")).toMatchObject({ text: "and back 🌍" });
    await expect(host.getByText("delivered")).toBeVisible();
  });

  const shown = await readWords(host);
  guest.type("/match");
  await expect(host.getByText("Cleo said: they match.")).toBeVisible();

  guest.type("/leave");
  const { code, last } = await guest.ended();
  expect(code).toBe(0);
  expect(last).toMatchObject({ reason: "hangup", path: "direct", ...shown });
  expect(last.video_frames_received).toBeGreaterThan(10);
  expect(last.audio_packets_received).toBeGreaterThan(50);
  await expect(host.getByRole("heading", { name: "Cleo has left" })).toBeVisible();

  await test.step("what the terminal recorded is a WebM with both tracks", async () => {
    const file = await readFile(recording);
    expect(file.subarray(0, 4).toString("hex")).toBe("1a45dfa3"); // EBML (RFC 8794 §11.2.1)
    const head = file.subarray(0, 1000).toString("latin1");
    for (const part of ["webm", "V_VP", "A_OPUS"]) expect(head).toContain(part);
    expect(file.length).toBeGreaterThan(20_000);
  });
});

test("a terminal that hangs up after --duration, and one that was refused", async ({ person, native }) => {
  const host = await person();
  const link = await startCall(host);
  await enterAsHost(host);
  const refused = native(link, "--name", "Dora");
  await expect(host.getByRole("heading", { name: "Dora would like to join" })).toBeVisible();
  await host.getByRole("button", { name: "Refuse" }).click();
  await host.keyboard.press("Enter"); // no reason given
  expect(await refused.ended()).toMatchObject({ code: 4, last: { reason: "refused", code: "E_DENIED", path: null } });

  const guest = native(link, "--name", "Cleo", "--duration", "2s");
  await expect(host.getByRole("heading", { name: "Cleo would like to join" })).toBeVisible();
  await host.getByRole("button", { name: "Admit" }).click();
  await expectLive(host);
  const { code, last } = await guest.ended();
  expect(code).toBe(0);
  expect(last.reason).toBe("hangup");
  expect(last.duration_ms).toBeGreaterThanOrEqual(2000);
  await expect(host.getByRole("heading", { name: "Cleo has left" })).toBeVisible();
});
