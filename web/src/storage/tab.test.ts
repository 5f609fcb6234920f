import { expect, test } from "vitest";
import { memoryArea } from "./store.ts";
import { TabLink } from "./tab.ts";

function address(hash: string) {
  const replaced: string[] = [];
  const location = { hash, pathname: "/c", search: "" } as Location;
  const history = {
    state: null,
    replaceState: (_state: unknown, _title: string, url: string) => void replaced.push(url),
  } as unknown as History;
  return { location, history, replaced };
}

test("the secret leaves the address and stays in the tab", () => {
  const tab = new TabLink(memoryArea());
  const { location, history, replaced } = address("#gSECRET");
  tab.capture(location, history);
  expect(tab.get()).toBe("gSECRET");
  expect(replaced).toEqual(["/c"]);
});

test("a page without a fragment keeps the tab's link", () => {
  const tab = new TabLink(memoryArea());
  tab.set("gOLD");
  const { location, history, replaced } = address("");
  tab.capture(location, history);
  expect(tab.get()).toBe("gOLD");
  expect(replaced).toEqual([]);
});

test("a link that is opened in the middle of a call does not replace it", () => {
  const tab = new TabLink(memoryArea());
  tab.set("gOURS");
  tab.inCall = true;
  const { location, history, replaced } = address("#gTHEIRS");
  expect(tab.capture(location, history)).toBe("refused");
  expect(tab.get()).toBe("gOURS");
  expect(replaced).toEqual(["/c"]); // a secret all the same
  tab.inCall = false;
  expect(tab.capture(location, history)).toBe("taken");
  expect(tab.get()).toBe("gTHEIRS");
});
