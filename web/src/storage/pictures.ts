const NAME = "visavis";
const STORE = "pictures";

/** The person's own pictures, on this device only. Like all storage it may be forbidden or cleared: then there are none. */
export class Pictures {
  /** Null: there is none under this name, or none can be had. */
  async read(name: string): Promise<Blob | null> {
    const found = await this.#within("readonly", (store) => store.get(name)).catch(() => null);
    return found instanceof Blob ? found : null;
  }

  /** Null removes. What cannot be kept lives as long as the page that shows it. */
  async write(name: string, picture: Blob | null): Promise<void> {
    const done = picture
      ? this.#within("readwrite", (store) => store.put(picture, name))
      : this.#within("readwrite", (store) => store.delete(name));
    await done.catch(() => undefined);
  }

  async #within<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const opening = indexedDB.open(NAME, 1);
    opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(STORE));
    const database = await settled(opening);
    try {
      return await settled(act(database.transaction(STORE, mode).objectStore(STORE)));
    } finally {
      database.close();
    }
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("no storage")));
  });
}
