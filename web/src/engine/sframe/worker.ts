/// The entry of the frame worker: the only place that sees media between the codec and the network.
import { FrameWorker } from "./frameworker.ts";
import type { ToWorker, Transformer } from "./messages.ts";

const frames = new FrameWorker((message) => self.postMessage(message, { transfer: [] }));
self.addEventListener("message", (event) => frames.receive((event as MessageEvent<ToWorker>).data));
self.addEventListener("rtctransform", (event) => {
  void frames.attach((event as Event & { readonly transformer: Transformer }).transformer);
});
