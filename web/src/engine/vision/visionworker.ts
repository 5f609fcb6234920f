/// The entry of the vision worker: networks that look at this person's picture. Nothing of it leaves the device.
import { FaceWorker } from "./faces.ts";
import type { FaceRequest } from "./messages.ts";
import { loadFaceDetector } from "./runtime.ts";

const faces = new FaceWorker(loadFaceDetector, (answer) => self.postMessage(answer, { transfer: [] }));
self.addEventListener("message", (event) => void faces.receive((event as MessageEvent<FaceRequest>).data));
