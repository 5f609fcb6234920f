/// The entry of the vision worker: networks that look at this person's picture. Nothing of it leaves the device.
import { EffectsWorker } from "../effects/effectsworker.ts";
import type { EffectRequest } from "../effects/messages.ts";
import { FaceWorker } from "./faces.ts";
import type { FaceRequest } from "./messages.ts";
import { loadFaceDetector, loadSegmenter } from "./runtime.ts";

const faces = new FaceWorker(loadFaceDetector, (answer) => self.postMessage(answer, { transfer: [] }));
const effects = new EffectsWorker(loadSegmenter, (answer, transfer) => self.postMessage(answer, { transfer }));
self.addEventListener("message", (event) => {
  const request = (event as MessageEvent<FaceRequest | EffectRequest>).data;
  void (request.t === "faces" || request.t === "look" ? faces.receive(request) : effects.receive(request));
});
