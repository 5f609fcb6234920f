import { expectAccessible } from "./support/audit.ts";
import { connect } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

test("a nod, a raised hand and one moment are seen and announced at the other side", async ({ person }) => {
  const [host, guest] = [await person(), await person({ viewport: { width: 390, height: 844 } })];
  await connect(host, guest);
  const shown = guest.getByRole("status");
  const hand = shown.getByText("Ada would like to say something");

  await host.keyboard.press("r");
  await expect(hand).toBeVisible();
  await expect(host.getByRole("status").getByText("Your hand is raised")).toBeVisible();
  await host.keyboard.press("n");
  await expect(shown.getByText("Ada nods")).toBeVisible();
  await expect(host.getByText("You nodded")).toBeVisible();
  await expect(shown.getByText("Ada nods")).toBeHidden(); // it passes
  await expect(hand).toBeVisible(); // this does not
  await expectAccessible(host);
  await expectAccessible(guest);
  expect(await guest.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

  // On a phone, and by mouse: the menu has them, too.
  await guest.getByRole("button", { name: "More" }).click();
  await guest.getByRole("menuitem", { name: "Ask for a moment" }).click();
  await expect(host.getByRole("status").getByText("Ben asks for a moment")).toBeVisible();
  await host.getByRole("button", { name: "More" }).click();
  await host.getByRole("menuitem", { name: "Lower your hand" }).click();
  await expect(hand).toBeHidden();
  await expect(host.getByText("Your hand is raised")).toBeHidden();
});
