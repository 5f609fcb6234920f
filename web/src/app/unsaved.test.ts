import { expect, test } from "vitest";
import type { FileItem } from "../engine/types.ts";
import { Unsaved } from "./unsaved.ts";

const file = (id: string, blob: Blob | null): FileItem => ({
  id,
  mine: false,
  name: id,
  size: 1,
  type: "",
  risky: false,
  at: 0,
  state: blob ? "done" : "moving",
  done: 1,
  blob,
});

test("asks before the page goes as long as a received file was not saved", () => {
  const page = new EventTarget();
  const unsaved = new Unsaved(page);
  const asks = () => !page.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  const [a, b] = [file("a", new Blob(["a"])), file("b", new Blob(["b"]))];
  expect(asks()).toBe(false);
  unsaved.look([file("c", null)]);
  expect(asks()).toBe(false); // nothing to lose yet
  unsaved.look([a, b]);
  expect(asks()).toBe(true);
  unsaved.saved("a");
  unsaved.look([a, b]);
  expect(asks()).toBe(true);
  unsaved.saved("b");
  unsaved.look([a, b]);
  expect(asks()).toBe(false);
  unsaved.look([a, b, file("d", new Blob(["d"]))]);
  expect(asks()).toBe(true);
  unsaved.close(); // the page of this call is over
  expect(asks()).toBe(false);
});
