/*
 * Takes out of @mediapipe/tasks-vision what reports its use to its maker once a minute. The content security policy would
 * stop it, too, but what is not there need not be stopped. The text is that of the pinned version; with another the build
 * ends here, so that somebody looks.
 */
const reporter = "this.m=new Mh(r)";
const nobody = "this.m={error:!0,close(){}}"; // its callers ask for error first, and then keep nothing

/** Addresses that no file of ours may name. */
export const foreign = /https?:\/\/[\w.-]*\bgoogleapis\.com/;

/** @returns {import("vite").Plugin} */
export function quietRuntime() {
  return {
    name: "quiet-runtime",
    transform(code, id) {
      if (!id.endsWith("/@mediapipe/tasks-vision/vision_bundle.mjs")) return null;
      if (code.split(reporter).length !== 2)
        throw new Error("tasks-vision has changed: where does it report to its maker?");
      return { code: code.replace(reporter, nobody), map: null };
    },
  };
}
