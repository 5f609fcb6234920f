import type { CallBook, CallRecord } from "../storage/calls.ts";

/** Recent calls on this device, as a list the page can read. */
export class RecentCalls {
  readonly #book: CallBook;
  #list = $state.raw<readonly CallRecord[]>([]);

  constructor(book: CallBook) {
    this.#book = book;
    this.reload();
  }

  get list(): readonly CallRecord[] {
    return this.#list;
  }

  get(id: string): CallRecord | null {
    return this.#list.find((call) => call.id === id) ?? null;
  }

  /** The record of the call that a link of this device belongs to. */
  byFragment(fragment: string): CallRecord | null {
    return this.#list.find((call) => call.fragment === fragment) ?? null;
  }

  put(record: CallRecord): void {
    this.#book.put(record);
    this.reload();
  }

  /** Changes some fields of a record; does nothing when there is no such call. */
  update(id: string, part: Partial<Omit<CallRecord, "id">>): void {
    const record = this.#book.get(id);
    if (record) this.put({ ...record, ...part });
  }

  forget(id: string): void {
    this.#book.remove(id);
    this.reload();
  }

  reload(): void {
    this.#list = this.#book.all();
  }
}
