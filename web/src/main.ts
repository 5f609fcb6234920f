import { mount } from "svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import type { App } from "./app/app.ts";
import { serverOrigin } from "./app/serverorigin.ts";
import { Preferences } from "./app/preferences.svelte.ts";
import { RecentCalls } from "./app/recent.svelte.ts";
import { ServerToken } from "./app/servertoken.svelte.ts";
import { TestBook } from "./app/tested.ts";
import { m } from "./i18n/paraglide/messages.js";
import { Router } from "./router.ts";
import { CallBook } from "./storage/calls.ts";
import { Pictures } from "./storage/pictures.ts";
import { openArea } from "./storage/store.ts";
import { TabLink } from "./storage/tab.ts";
import { Toasts } from "./ui/toasts.svelte.ts";
import Root from "./views/Root.svelte";

const local = openArea(() => localStorage);
const session = openArea(() => sessionStorage);

// Before anything else: the secret leaves the address bar.
const tabLink = new TabLink(session);
tabLink.capture(location, history);

const router = new Router();

const app: App = {
  version: __APP_VERSION__,
  origin: serverOrigin(document) ?? location.origin,
  router,
  preferences: new Preferences(local, document.documentElement, navigator.languages),
  toasts: new Toasts(),
  recent: new RecentCalls(new CallBook(local)),
  token: new ServerToken(local),
  pictures: new Pictures(),
  tested: new TestBook(local),
  tabLink,
  local,
  session,
};

// A link pasted over the address of an open page changes only the fragment: no load, but another call.
addEventListener("hashchange", () => {
  const link = tabLink.capture(location, history);
  if (link === "taken") router.go("/c", "replace");
  if (link === "refused") app.toasts.show(m.link_in_call(), { icon: "info" });
});

// Records written by another tab.
addEventListener("storage", () => app.recent.reload());

const target = document.querySelector("#app");
if (target) mount(Root, { target, props: { app } });
