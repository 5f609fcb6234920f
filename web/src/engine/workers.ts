// oxlint-disable-next-line import/default -- the bundler makes it
import frames from "./sframe/worker.ts?worker&url";
// oxlint-disable-next-line import/default -- the bundler makes it
import vision from "./vision/visionworker.ts?worker&url";

/** Trusted Types (W3C): our content security policy lets no other text become the address of a script. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(text: string): string }): { createScriptURL(text: string): URL };
}

const addresses = { frames, vision };

// One for all workers: the content security policy allows one policy of this name.
const policy = (globalThis as { readonly trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("visavis", {
  createScriptURL(text) {
    if (!Object.values(addresses).includes(text)) throw new TypeError("not the address of a worker of ours");
    return text;
  },
});

/** `frames` encrypts media (sframe/worker.ts), `vision` looks at pictures (vision/visionworker.ts). */
export function startWorker(name: keyof typeof addresses): Worker {
  const url = addresses[name];
  return new Worker(policy?.createScriptURL(url) ?? url, { name });
}
