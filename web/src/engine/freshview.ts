import type { Scope } from "./scope.ts";

/**
 * A peer connection that sees the network as it is now. Chromium tells a page of another interface two seconds after it
 * came; but a document asks for the list when it makes its first connection. So this one is made in an empty document of
 * its own, which goes with it. Other browsers have no such delay that we know of, and get an ordinary one.
 */
export function freshConnection(configuration: RTCConfiguration, scope: Scope): RTCPeerConnection {
  if (!chromium()) return new RTCPeerConnection(configuration);
  const frame = document.createElement("iframe");
  frame.hidden = true;
  document.body.append(frame);
  scope.add(() => frame.remove());
  const view = frame.contentWindow as (Window & typeof globalThis) | null;
  try {
    return new (view?.RTCPeerConnection ?? RTCPeerConnection)(configuration);
  } catch (error) {
    frame.remove();
    throw error;
  }
}

function chromium(): boolean {
  const { userAgentData } = navigator as { userAgentData?: { brands: readonly { brand: string }[] } };
  return userAgentData?.brands.some(({ brand }) => brand === "Chromium") ?? false;
}
