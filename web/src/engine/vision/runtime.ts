import { FaceDetector, ImageSegmenter } from "@mediapipe/tasks-vision";
import factory from "@mediapipe/tasks-vision/vision_wasm_module_internal.js";
import wasmBinaryPath from "@mediapipe/tasks-vision/vision_wasm_module_internal.wasm?url";
import { noGraphics } from "./nographics.ts";
import facePath from "./models/face.tflite?url";
import personPath from "./models/person.tflite?url";

// The loader's part of the runtime is in this bundle: without a path the library takes it from this global and fetches no
// script. It clears both globals each time. What goes wrong is thrown, too: the console would only hear of things in order.
const global = globalThis as { ModuleFactory?: unknown; Module?: unknown };
const fileset = { wasmLoaderPath: "", wasmBinaryPath };

/** All of it comes from our own server, and is kept by the browser under names that change with the content. */
async function load<T>(create: (modelAssetBuffer: Uint8Array) => Promise<T>, path: string): Promise<T> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  const model = new Uint8Array(await response.arrayBuffer());
  global.ModuleFactory = factory;
  global.Module = { print() {}, printErr() {} };
  return create(model);
}

/** Finds faces. On the processor: without a graphics card its emulation is slower by far, and a call's encoders need the card. */
export function loadFaceDetector(): Promise<FaceDetector> {
  const create = (modelAssetBuffer: Uint8Array) =>
    FaceDetector.createFromOptions(fileset, {
      baseOptions: { modelAssetBuffer, delegate: "CPU" },
      canvas: noGraphics(),
      runningMode: "IMAGE",
    });
  return load(create, facePath);
}

/** Tells the person from what is behind. */
export function loadSegmenter(): Promise<ImageSegmenter> {
  const create = (modelAssetBuffer: Uint8Array) =>
    ImageSegmenter.createFromOptions(fileset, {
      baseOptions: { modelAssetBuffer, delegate: "CPU" },
      canvas: noGraphics(),
      runningMode: "VIDEO",
      outputConfidenceMasks: true,
      outputCategoryMask: false,
    });
  return load(create, personPath);
}
