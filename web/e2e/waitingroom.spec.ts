import { connect, enterAsHost, expectLive, expectPicture, knock, startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

test("a knock is held with a message, then admitted", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await enterAsHost(host);
  await knock(guest, link, "Ben", "about the boiler");

  const door = host.getByRole("region", { name: "At the door" });
  await expect(door.getByRole("heading", { name: "Ben would like to join" })).toBeVisible();
  await expect(door.getByText("about the boiler")).toBeVisible();
  await expect(guest.getByRole("heading", { name: "You are waiting for Ada" })).toBeFocused();
  await expect.poll(() => host.title(), { message: "seen from another tab" }).toBe("Knock, knock: Ben");

  await door.getByRole("button", { name: "Ask to wait" }).click();
  await host.getByLabel("Message to them").fill("ten minutes");
  await host.keyboard.press("Enter");
  await expect(guest.getByRole("heading", { name: "Ada asks you to wait a little" })).toBeVisible();
  await expect(guest.getByText("“ten minutes”")).toBeVisible();
  await expect(host).toHaveTitle("Call · visavis"); // answered: quiet again

  await door.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  await expectPicture(guest);
});

test("a knock is refused with a reason", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await knock(guest, link); // from the lobby the host can answer, too
  await host.getByRole("button", { name: "Refuse" }).click();
  await host.getByLabel("Reason, if you like").fill("not today");
  await host.keyboard.press("Enter");
  await expect(guest.getByRole("heading", { name: "cannot let you in now" })).toBeVisible();
  await expect(guest.getByText("not today")).toBeVisible();
  await expect(host.getByText("Nobody is waiting yet.")).toBeVisible();
});

test("a third visitor is told that the host is busy, and nothing else", async ({ person }) => {
  const [host, guest, third] = [await person(), await person(), await person()];
  await connect(host, guest);
  const link = await host.evaluate(() => JSON.parse(localStorage.getItem("visavis.calls") ?? "{}").calls[0].guest);
  await third.goto(`/c#${link}`);
  await expect(third.getByRole("heading", { name: "You could not get in" })).toBeVisible();
  await expect(third.getByText("E_BUSY")).toBeVisible();
  expect(await third.locator("main").innerText()).not.toMatch(/Ada|Ben/);
  await expectPicture(guest); // the call has not noticed
});

test("a guest who comes first waits, survives a reload, and is announced when the host comes", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  const link = await startCall(host);
  await host.goto("/"); // away
  await guest.goto(link);
  await expect(guest.getByText("The host is not here yet.")).toBeVisible();
  await guest.reload();
  expect(new URL(guest.url()).hash).toBe("");
  await guest.getByLabel("Your name").fill("Ben");
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await expect(guest.getByRole("heading", { name: "You are waiting for the host" })).toBeVisible();
  await host.goBack();
  await expect(host.getByRole("heading", { name: "Ben would like to join" })).toBeVisible();
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
});

test("a host removes the guest; the link can be used again until it is ended for good", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await host.goto("/new");
  await host.getByRole("switch", { name: "One-time link" }).click();
  await host.getByRole("button", { name: "Create the link" }).click();
  const link = await host.getByLabel("Link for your guest").inputValue();
  await host.getByRole("button", { name: "Open the lobby" }).click();
  await enterAsHost(host);
  await knock(guest, link);
  await host.getByRole("button", { name: "Admit" }).click();
  await expectLive(guest);

  await host.getByRole("button", { name: "More" }).click();
  await host.getByRole("menuitem", { name: "Remove Ben" }).click();
  await expect(guest.getByRole("heading", { name: "The host has ended the call for you" })).toBeVisible();
  await expect(host.getByRole("heading", { name: "Ben has left" })).toBeVisible();
  await guest.getByRole("button", { name: "Ask again" }).click();
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await expect(host.getByRole("heading", { name: "Ben would like to join" })).toBeVisible();

  await host.getByRole("button", { name: "More" }).click();
  await host.getByRole("menuitem", { name: "End the call for good" }).click();
  await host.getByRole("button", { name: "End for good" }).click();
  await expect(guest.getByRole("heading", { name: "This call is over" })).toBeVisible();
  await host.getByRole("button", { name: "New call with a new link" }).click();
  await expect(host.getByRole("heading", { name: "Your call is ready" })).toBeFocused();
  await expect(host.getByLabel("Link for your guest")).not.toHaveValue(link);
});

test("a guest may leave a one-time link and come back; it is used up when the host leaves", async ({ person }) => {
  const [host, guest] = [await person(), await person()];
  await connect(host, guest);
  await guest.getByRole("button", { name: "Leave" }).click();
  await expect(guest.getByText("You can come back with the same link while the host is there.")).toBeVisible();
  await expect(host.getByRole("heading", { name: "Ben has left" })).toBeVisible();
  await expect(host.getByText("They can come back with the same link.")).toBeVisible();
  await guest.getByRole("button", { name: "Call again" }).click();
  await guest.getByRole("button", { name: "Ask to join" }).click();
  await host.getByRole("button", { name: "Admit" }).click();
  await Promise.all([expectLive(host), expectLive(guest)]);
  await expectPicture(host);

  await guest.getByRole("button", { name: "Leave" }).click();
  await expect(host.getByRole("heading", { name: "Ben has left" })).toBeVisible();
  await host.getByRole("button", { name: "Leave" }).click(); // alone
  await expect(host.getByText("The link has stopped working.")).toBeVisible();
  await expect(host.getByRole("term").filter({ hasText: "Duration" })).toBeVisible();
  await expect(host.getByRole("button", { name: "New call with a new link" })).toBeVisible();
  await guest.getByRole("button", { name: "Call again" }).click();
  await expect(guest.getByRole("heading", { name: "This call is over" })).toBeVisible();
  for (const page of [host, guest]) {
    await page.goto("/");
    await expect(
      page
        .getByRole("listitem")
        .filter({ hasText: /Ada|Ben/ })
        .getByText("Ended"),
    ).toBeVisible();
  }
});
