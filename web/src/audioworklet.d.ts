/*
 * The global scope of an AudioWorklet (W3C Web Audio §1.32), which TypeScript's DOM library lacks. Only *.worklet.ts may
 * use it: elsewhere these names do not exist.
 */
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}
declare function registerProcessor(name: string, processor: new (options: AudioWorkletNodeOptions) => unknown): void;
/** Of the block that is processed now; samples since the context began. */
declare const currentFrame: number;
