import * as v from "valibot";

/** The part of the Storage interface we use. It may throw: blocked by the user, or full. */
export type Area = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** An area that forgets, for browsers that forbid storage to the page. */
export function memoryArea(): Area {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** `open()` if it works here, else memory. Reading `window.localStorage` alone can throw. */
export function openArea(open: () => Area): Area {
  try {
    const area = open();
    area.getItem("visavis");
    return area;
  } catch {
    return memoryArea();
  }
}

/**
 * One value under one key. What does not match the schema (an older version, another program, a broken disk) reads as
 * null; what cannot be written is lost silently, because nothing in the app may fail for want of storage.
 */
export class Stored<Schema extends v.GenericSchema> {
  readonly #area: Area;
  readonly #key: string;
  readonly #schema: Schema;

  constructor(area: Area, key: string, schema: Schema) {
    this.#area = area;
    this.#key = key;
    this.#schema = schema;
  }

  read(): v.InferOutput<Schema> | null {
    try {
      const parsed = v.safeParse(this.#schema, JSON.parse(this.#area.getItem(this.#key) ?? "null"));
      return parsed.success ? parsed.output : null;
    } catch {
      return null;
    }
  }

  write(value: v.InferInput<Schema>): void {
    try {
      this.#area.setItem(this.#key, JSON.stringify(value));
    } catch {
      // Full or forbidden: the value lives as long as the page.
    }
  }

  remove(): void {
    try {
      this.#area.removeItem(this.#key);
    } catch {
      // Forbidden: then there was nothing to remove either.
    }
  }
}
