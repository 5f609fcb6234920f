import { expect, test } from "vitest";
import { routeOf } from "./router.ts";

test.each([
  ["/", "home"],
  ["/new", "new"],
  ["/new/", "new"],
  ["/c", "call"],
  ["/c/", "call"],
  ["/test", "test"],
  ["/calls", "not-found"],
  ["/constructor", "not-found"],
  ["/c/abc", "not-found"],
])("%s is %s", (path, route) => {
  expect(routeOf(path)).toBe(route);
});
