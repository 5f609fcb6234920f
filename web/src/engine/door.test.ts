import { expect, test } from "vitest";
import { Door } from "./door.ts";
import type { CallState } from "./state.ts";
import type { Visitor } from "./types.ts";

function door() {
  const view: { visitors: readonly Visitor[] } = { visitors: [] };
  const state = { view, set: (part: object) => Object.assign(view, part) } as unknown as CallState;
  return { door: new Door(state, () => undefined), view };
}

const knock = (name: string) => ({ t: "knock", name }) as const;

test("who stands at the door already rings no more", () => {
  const { door: host, view } = door();
  expect(host.knocked(1, knock("Ana"))).toMatchObject({ slot: 1, name: "Ana", state: "knocking" });
  expect(host.knocked(1, knock("Mallory"))).toBeNull();
  host.held(1);
  expect(host.knocked(1, knock("Ana"))).toBeNull();
  expect(view.visitors).toMatchObject([{ slot: 1, name: "Ana", state: "held" }]);
  expect(host.knocked(2, knock("Ben"))).toMatchObject({ slot: 2 });
  host.left(1);
  expect(host.knocked(1, knock("Cem"))).toMatchObject({ slot: 1, name: "Cem" });
  expect(view.visitors.map((v) => v.name)).toEqual(["Ben", "Cem"]);
});
