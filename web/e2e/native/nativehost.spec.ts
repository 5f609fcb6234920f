import { writeFile } from "node:fs/promises";
import { expectLive, knock } from "../support/call.ts";
import { newCall } from "./cli.ts";
import { expect, test } from "./fixtures.ts";
import { expectBars, expectTone, readWords } from "./senses.ts";

test("a terminal hosts a browser", async ({ person, native, server }) => {
  const guest = await person();
  const links = await newCall(server.url, "--title", "Kiosk");
  const host = native(links.host, "--admit", "first", "--name", "Kim", "--title", "Kiosk");
  await knock(guest, links.guest, "Ben", "may I?");
  expect(await host.next("knock")).toMatchObject({ name: "Ben", note: "may I?" });
  await expectLive(guest);
  await expectBars(guest);
  await expectTone(guest);
  expect(await host.next("frames")).toMatchObject({ sframe: "active" });

  host.type("welcome");
  await guest.getByRole("button", { name: "Chat, unread: 1" }).click();
  await expect(guest.getByRole("log").getByText("welcome")).toBeVisible();
  await host.next("chat_delivered");
  const shown = await readWords(guest);

  await guest.getByRole("button", { name: "Leave" }).click();
  await expect(guest.getByRole("heading", { name: "You have left the call" })).toBeVisible();
  const { code, last } = await host.ended();
  expect(code).toBe(0);
  expect(last).toMatchObject({ reason: "peer-hangup", path: "direct", ...shown });
  expect(last.video_frames_received).toBeGreaterThan(10);
  expect(last.audio_packets_received).toBeGreaterThan(50);
});

test("a terminal asks before it lets a browser in", async ({ person, native, server }) => {
  const guest = await person();
  const links = await newCall(server.url);
  const host = native(links.host, "--name", "Kim");
  await knock(guest, links.guest);
  await host.next("knock");
  host.type("h two minutes");
  await expect(guest.getByText("“two minutes”")).toBeVisible();
  host.type("y");
  await expectLive(guest);
  host.type("/leave");
  await expect(guest.getByRole("heading", { name: "Kim has left the call" })).toBeVisible();
  expect(await host.ended()).toMatchObject({ code: 0, last: { reason: "hangup" } });
});

test("a password, wrong and right, from a browser and from a terminal", async ({ person, native, server }, info) => {
  const right = info.outputPath("right");
  const wrong = info.outputPath("wrong");
  await writeFile(right, "lamp sailboat\n");
  await writeFile(wrong, "lamp lighthouse\n");
  const links = await newCall(server.url, "--password-file", right);
  const host = native(links.host, "--admit", "first", "--password-file", right);

  await host.next("phase");
  const guesser = native(links.guest, "--password-file", wrong);
  expect(await host.next("password_wrong")).toMatchObject({ left: 4 });
  expect(await guesser.ended()).toMatchObject({ code: 3, last: { path: null, words: [] } });

  const guest = await person();
  await guest.goto(links.guest);
  await guest.getByLabel("Your name").fill("Ben");
  await guest.getByLabel("Password of this call").fill("lamp lighthouse");
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await expect(guest.getByText("This password is not right.")).toBeVisible();
  expect(await host.next("password_wrong")).toMatchObject({ left: 3 });
  await guest.getByLabel("Password of this call").fill("lamp sailboat");
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await expectLive(guest);
  await expectBars(guest);
  host.type("/leave");
  expect(await host.ended()).toMatchObject({ code: 0, last: { reason: "hangup", path: "direct" } });
});
