import type { Scope } from "./scope.ts";

/** Network Information API (Chromium on Android and ChromeOS knows `type`); not in TypeScript's DOM library. */
interface Connection extends EventTarget {
  readonly type?: string;
}

/**
 * Tells when the device may have another network. Which events a browser sends, and when, differs; none says that a
 * path is dead. `change` is also sent for mere estimates of speed: only another kind of network counts.
 */
export function onNetworkChange(scope: Scope, changed: () => void): void {
  scope.listen(globalThis, "online", changed);
  scope.listen(globalThis, "offline", changed);
  const { connection } = navigator as Navigator & { readonly connection?: Connection };
  if (!connection) return;
  let before = connection.type;
  scope.listen(connection, "change", () => {
    if (connection.type === before) return;
    before = connection.type;
    changed();
  });
}
