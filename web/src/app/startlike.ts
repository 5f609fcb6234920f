import type { App } from "./app.ts";
import { NewCallModel } from "./newcall.svelte.ts";

/**
 * A new call with the settings of an earlier one of this device, straight to its lobby. What a person has to do first, as
 * choosing a password or giving the server's token, is done on the page with the options, as is trying again.
 */
export async function startLike(app: App, id: string): Promise<void> {
  const earlier = app.recent.get(id);
  const model = new NewCallModel(app, id);
  if (earlier && earlier.password === null) await model.create();
  if (model.call) model.enter();
  else app.router.go("/new", "push", { like: id });
}
