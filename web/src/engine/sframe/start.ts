// oxlint-disable-next-line import/default -- the bundler makes it
import url from "./worker.ts?worker&url";

/** Trusted Types (W3C): our content security policy lets no other text become the address of a script. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(text: string): string }): { createScriptURL(text: string): URL };
}

const policy = (globalThis as { readonly trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("visavis", {
  createScriptURL(text) {
    if (text !== url) throw new TypeError("not the address of our worker");
    return text;
  },
});

export function startWorker(): Worker {
  return new Worker(policy?.createScriptURL(url) ?? url, { name: "frames" });
}
