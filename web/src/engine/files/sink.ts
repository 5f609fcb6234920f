import { concat } from "../e2ee/encode.ts";

/** Where a browser has no private file system, a file has to fit into memory. */
export const MEMORY_LIMIT = 256 * 1024 * 1024;

/** Where the bytes of a file go. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** All is written; what came, as a file that can be saved. Of no type: a browser must not open it by itself. */
  finish(): Promise<Blob>;
  discard(): Promise<void>;
}

const TYPE = "application/octet-stream";

/** Null if there is no room for `size` bytes. */
export async function openSink(id: string, size: number): Promise<Sink | null> {
  const folder = await ownFolder();
  if (folder) {
    const { quota = Infinity, usage = 0 } = (await navigator.storage.estimate?.()) ?? {};
    if (size <= quota - usage) return fileSink(folder, id);
  }
  return size <= MEMORY_LIMIT ? memorySink() : null;
}

export function memorySink(): Sink {
  let parts: Uint8Array<ArrayBuffer>[] = [];
  return {
    write: (bytes) => Promise.resolve(void parts.push(new Uint8Array(bytes))),
    finish: () => Promise.resolve(new Blob(parts, { type: TYPE })),
    discard: () => Promise.resolve(void (parts = [])),
  };
}

async function fileSink(folder: FileSystemDirectoryHandle, id: string): Promise<Sink> {
  const handle = await folder.getFileHandle(id, { create: true });
  const writable = await handle.createWritable();
  return {
    write: (bytes) => writable.write(concat(bytes) as Uint8Array<ArrayBuffer>),
    finish: async () => {
      await writable.close();
      return (await handle.getFile()).slice(0, undefined, TYPE);
    },
    discard: async () => {
      try {
        await writable.abort();
        await folder.removeEntry(id);
      } catch {
        // Gone already, or written to just now: the next page that opens removes it.
      }
    },
  };
}

const PREFIX = "visavis-received-";

/**
 * A folder of this page in the browser's private file system, or null where there is none. What pages that are gone have
 * left behind is removed: whose page lives holds a lock of the folder's name.
 */
async function ownFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    if (!("createWritable" in FileSystemFileHandle.prototype)) return null; // Safari before 26
    const root = await navigator.storage.getDirectory();
    const own = PREFIX + page.id;
    const { held = [] } = await navigator.locks.query();
    if (!held.some((lock) => lock.name === own)) {
      await new Promise<void>((taken) => {
        void navigator.locks.request(own, () => {
          taken();
          return new Promise(() => undefined); // until the page is gone
        });
      });
      const living = new Set(held.map((lock) => lock.name));
      for await (const name of (root as unknown as { keys(): AsyncIterable<string> }).keys()) {
        if (name.startsWith(PREFIX) && name !== own && !living.has(name))
          await root.removeEntry(name, { recursive: true });
      }
    }
    return await root.getDirectoryHandle(own, { create: true });
  } catch {
    return null; // a private window, or storage that is switched off
  }
}

const page = { id: crypto.randomUUID() };
