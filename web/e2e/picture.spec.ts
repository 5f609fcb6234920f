import { Audit, expectAccessible } from "./support/audit.ts";
import { startCall } from "./support/call.ts";
import { expect, test } from "./support/fixtures.ts";

test("camera and surroundings each have a light and an advice, and the report has both", async ({ person, server }) => {
  const page = await person();
  const audit = await Audit.watch(page, server.url);
  await page.goto("/test");
  await page.getByRole("button", { name: /^Surroundings/ }).click();
  await expect(page.getByText("Check your picture")).toBeFocused();
  const camera = page.getByRole("group", { name: "Camera" });
  const surroundings = page.getByRole("group", { name: "Surroundings" });
  await expect(camera).toContainText("Good Your camera is fine.");
  // The pretended camera shows a pattern.
  await expect(surroundings).toContainText("Could be better No face can be seen.");
  await expect(page.getByRole("button", { name: "Camera Good" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Surroundings Could be better" })).toBeVisible();
  await expect(page.locator("pre")).toContainText("camera: works");
  await expect(page.locator("pre")).toContainText("light and framing: No face can be seen.");
  await expectAccessible(page);

  await page.getByRole("switch", { name: "Camera" }).click();
  await expect(camera).toContainText("No camera is on.");
  await expect(surroundings).toBeHidden();
  audit.expectClean();
});

test("without streams of frames, as in Firefox, the picture is looked at by way of a video", async ({ person }) => {
  const page = await person();
  await page.addInitScript(() => void Object.assign(globalThis, { MediaStreamTrackProcessor: undefined }));
  await page.goto("/test");
  await page.getByRole("button", { name: /^Surroundings/ }).click();
  await expect(page.getByRole("group", { name: "Camera" })).toContainText("Good Your camera is fine.");
  await expect(page.getByRole("group", { name: "Surroundings" })).toContainText("No face can be seen.");
});

test("the lobby looks at the camera by itself, and at faces only if asked", async ({ person }) => {
  const page = await person();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await startCall(page);
  await expect(page.getByRole("button", { name: "Camera Good" })).toBeVisible();
  expect(asked.filter((url) => url.includes("vision"))).toEqual([]);
  await expect(page.getByRole("button", { name: "Enter the call" })).toBeEnabled();
});
