import type { CallStore } from "../engine/types.ts";
import type { Area } from "../storage/store.ts";

/**
 * Where the engine's secrets of a call live: wrong guesses outlive the tab, the
 * right to come back after a reload ends with it. A browser that forbids storage
 * only loses these comforts.
 */
export function callStore(local: Area, session: Area): CallStore {
  return {
    loadBudget: (id) => read(local, `visavis.budget.${id}`),
    saveBudget: (id, value) => write(local, `visavis.budget.${id}`, value),
    loadResume: (id) => read(session, `visavis.resume.${id}`),
    saveResume: (id, value) => write(session, `visavis.resume.${id}`, value),
  };
}

function read(area: Area, key: string): string | null {
  try {
    return area.getItem(key);
  } catch {
    return null;
  }
}

function write(area: Area, key: string, value: string | null): void {
  try {
    if (value === null) area.removeItem(key);
    else area.setItem(key, value);
  } catch {
    // Full or forbidden.
  }
}
