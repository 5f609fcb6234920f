/** Why a call cannot work in this browser. */
export type Unsupported = "insecure" | "no-webrtc";

interface Environment {
  readonly isSecureContext?: boolean;
  readonly RTCPeerConnection?: unknown;
}

/** Null when calls work here. Encryption and the camera need a secure page; the call itself needs WebRTC. */
export function unsupportedReason(env: Environment): Unsupported | null {
  if (!env.isSecureContext) return "insecure";
  if (typeof env.RTCPeerConnection !== "function") return "no-webrtc";
  return null;
}
