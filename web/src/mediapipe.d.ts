/** The loader of the vision runtime, which the package ships without types: it is only handed on (engine/vision/runtime.ts). */
declare module "@mediapipe/tasks-vision/vision_wasm_module_internal.js" {
  const factory: unknown;
  export default factory;
}
