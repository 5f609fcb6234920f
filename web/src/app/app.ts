import { createContext } from "svelte";
import type { Router } from "../router.ts";
import type { Pictures } from "../storage/pictures.ts";
import type { TabLink } from "../storage/tab.ts";
import type { Area } from "../storage/store.ts";
import type { Toasts } from "../ui/toasts.svelte.ts";
import type { Preferences } from "./preferences.svelte.ts";
import type { RecentCalls } from "./recent.svelte.ts";
import type { ServerToken } from "./servertoken.svelte.ts";
import type { TestBook } from "./tested.ts";

/** What main.ts builds once and every page may use. */
export interface App {
  readonly version: string;
  readonly origin: string; // scheme://host[:port] of the server, and so of new links
  readonly router: Router;
  readonly preferences: Preferences;
  readonly toasts: Toasts;
  readonly recent: RecentCalls;
  readonly token: ServerToken;
  readonly pictures: Pictures;
  readonly tested: TestBook;
  readonly tabLink: TabLink;
  readonly local: Area; // outlives the tab
  readonly session: Area; // this tab only
}

/** The app, for components: `setApp` at the root, `getApp()` while a component is created. */
export const [getApp, setApp] = createContext<App>();
