import { connect, decodedFrames, expectPicture, lines, loudness, pixel } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

test("two people see, hear, write to and verify each other", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);

  await test.step("both see the other's camera: the fake one is green", async () => {
    for (const page of [host, guest]) {
      await expectPicture(page);
      const [red = 255, green = 0, blue = 255] = await pixel(page, 0.25, 0.25);
      expect(green).toBeGreaterThan(90);
      expect(red + blue).toBeLessThan(green);
      // The first picture is small; those that follow are not.
      await expect.poll(() => lines(page)).toBeGreaterThanOrEqual(360);
    }
  });

  await test.step("both hear the beep, and mute silences it", async () => {
    expect(await loudness(host)).toBeGreaterThan(0.05);
    expect(await loudness(guest)).toBeGreaterThan(0.05);
    await host.getByRole("switch", { name: "Microphone" }).click();
    await expect(guest.getByText("Ada is muted")).toBeVisible();
    await expect.poll(() => loudness(guest)).toBe(0);
    await host.getByRole("switch", { name: "Microphone" }).click();
    await expect(guest.getByText("Ada is muted")).toBeHidden();
    await expect.poll(() => loudness(guest)).toBeGreaterThan(0.05);
  });

  await test.step("a camera that is switched off is a name, not a frozen face", async () => {
    await guest.getByRole("switch", { name: "Camera" }).click();
    await expect(host.getByText("Ben has the camera off", { exact: true })).toBeVisible();
    await guest.getByRole("switch", { name: "Camera" }).click();
    await expect(host.getByText("Ben has the camera off", { exact: true })).toBeHidden();
    await expectPicture(host);
  });

  await test.step("chat arrives as text and is acknowledged", async () => {
    await guest.getByRole("button", { name: "Chat" }).click();
    await guest.getByLabel("Message").fill("Hello <b>Ada</b>");
    await guest.getByLabel("Message").press("Enter");
    await expect(guest.getByText("delivered")).toBeVisible();
    await host.getByRole("button", { name: "Chat, unread: 1" }).click();
    await expect(host.getByRole("log").getByText("Hello <b>Ada</b>")).toBeVisible();
    await expect(host.getByRole("button", { name: "Chat", exact: true })).toBeVisible();
  });

  await test.step("the words are the same and both say so", async () => {
    const words = [];
    for (const page of [host, guest]) {
      await page.getByRole("button", { name: "Verification words" }).click();
      const list = page.getByRole("list", { name: "The five words" });
      await expect(list.getByRole("listitem")).toHaveCount(5);
      words.push(await list.innerText());
    }
    expect(words[0]).toBe(words[1]);
    await host.getByRole("button", { name: "They match" }).click();
    await expect(guest.getByText("Ada said: they match.")).toBeVisible();
    await guest.getByRole("button", { name: "They match" }).click();
    for (const page of [host, guest]) await expect(page.getByText("this call is verified")).toBeVisible();
  });

  await test.step("who leaves and who stays read why", async () => {
    await guest.getByRole("button", { name: "Leave" }).click();
    await expect(guest.getByRole("heading", { name: "You have left the call" })).toBeFocused();
    await expect(guest.getByText("yes, the words were compared")).toBeVisible();
    await expect(guest.getByText("Direct over UDP, from device to device")).toBeVisible();
    await expect(host.getByText("Ben has left", { exact: true })).toBeVisible();
    await host.getByRole("button", { name: "Leave" }).click();
    await expect(host.getByText("yes, the words were compared")).toBeVisible(); // of the conversation that was
  });
});

test("another microphone in the middle of the call: the picture goes on", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  await expectPicture(guest);
  await host.getByRole("button", { name: "Devices" }).click();
  const microphone = host.getByLabel("Microphone", { exact: true }).last();
  const before = await decodedFrames(guest);
  await microphone.selectOption({ index: 1 });
  await expect.poll(() => decodedFrames(guest)).toBeGreaterThan(before + 10);
  await expect.poll(() => loudness(guest)).toBeGreaterThan(0.05);
});

test("words that differ end the call for both", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  await guest.getByRole("button", { name: "Verification words" }).click();
  await guest.getByRole("button", { name: "They differ" }).click();
  await guest.getByRole("button", { name: "Look again" }).click(); // a slip of the finger ends nothing
  await guest.getByRole("button", { name: "They differ" }).click();
  await guest.getByRole("button", { name: "They differ: end the call" }).click();
  for (const page of [host, guest]) {
    await expect(page.getByRole("heading", { name: "Ended: the words differ" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Call again" })).toBeHidden();
  }
});

test("a browser that blocks sound asks for one tap", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await guest.addInitScript(() => {
    const play = HTMLMediaElement.prototype.play;
    let tapped = false;
    document.addEventListener(
      "click",
      (e) => {
        if (e.target instanceof Element && e.target.closest("button")?.innerText.includes("Hear them")) tapped = true;
      },
      true,
    );
    HTMLMediaElement.prototype.play = function (this: HTMLMediaElement) {
      if (this.muted || tapped) return play.call(this);
      return Promise.reject(new DOMException("no tap yet", "NotAllowedError"));
    };
  });
  await connect(host, guest);
  await guest.getByRole("button", { name: "Hear them" }).click();
  await expect(guest.getByRole("button", { name: "Hear them" })).toBeHidden();
  await expectPicture(guest);
});

test("a double click on a button that moves the bar does not hang up", async ({ person }) => {
  const [host, guest] = [await person(), await person({ viewport: { width: 1440, height: 900 } })];
  await connect(host, guest);
  const words = guest.getByRole("toolbar").getByRole("button", { name: /^Verification words/ });
  const box = await words.boundingBox();
  if (!box) throw new Error("no button");
  await guest.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2, { delay: 40 });
  await expect(guest.getByRole("heading", { name: "Verification words" })).toBeVisible();
  const leave = await guest.getByRole("toolbar").getByRole("button", { name: "Leave" }).boundingBox();
  expect(leave?.x).toBeLessThan(box.x + box.width); // or this test would show nothing
  await expectPicture(guest);
  await guest.getByRole("button", { name: "Leave" }).click();
  await expect(guest.getByRole("heading", { name: "You have left the call" })).toBeVisible();
});

test("320 px are enough for all controls, and unverified words are offered", async ({ person }) => {
  const [host, guest] = [await person(), await person({ viewport: { width: 320, height: 640 } })];
  await connect(host, guest);
  for (const button of await guest.getByRole("toolbar").locator("button:visible").all()) {
    const box = await button.boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320);
    expect(box?.width).toBeGreaterThanOrEqual(44);
  }
  await expect(guest.getByText("Compare the verification words with Ada.")).toBeVisible();
  if (process.env["SHOT"]) await guest.screenshot({ path: process.env["SHOT"] });
  await guest.getByRole("button", { name: "Compare now" }).click();
  await expect(guest.getByRole("heading", { name: "Verification words" })).toBeVisible();
  await guest.keyboard.press("Escape");
  await expect(guest.getByRole("button", { name: "Compare now" })).toBeHidden();

  // The host's link is used up: there is nobody to call again.
  await host.getByRole("button", { name: "Leave" }).click();
  await expect(guest.getByRole("heading", { name: "Ada has left the call" })).toBeFocused();
  await expect(guest.getByRole("button", { name: "Call again" })).toBeHidden();
});
