/** Numbers of WebGL 2 (Khronos) that the runtime asks by. */
const GL = {
  VENDOR: 0x1f00,
  RENDERER: 0x1f01,
  VERSION: 0x1f02,
  SHADING_LANGUAGE_VERSION: 0x8b8c,
  FRAMEBUFFER_COMPLETE: 0x8cd5,
};
const ANSWERS: Readonly<Record<number, string>> = {
  [GL.VENDOR]: "none",
  [GL.RENDERER]: "none",
  [GL.VERSION]: "WebGL 2.0",
  [GL.SHADING_LANGUAGE_VERSION]: "WebGL GLSL ES 3.00",
};

type Pixels = Pick<ImageData, "width" | "height" | "data">;
interface Texture {
  picture?: Pixels;
}
interface Framebuffer {
  texture?: Texture | null;
}

/**
 * In place of the canvas that the vision runtime wants. Even for work on the processor it takes each picture by way of a WebGL
 * texture: written once, read back once. So it refuses to start where there is no WebGL (no graphics card, or one that
 * pages may not use), and elsewhere waits for the card twice a picture. This one keeps the picture and gives it back. It can do what
 * the pinned runtime does, nothing else: a method it lacks ends the work with an error.
 */
export function noGraphics(): OffscreenCanvas {
  const context = new NoGraphics();
  const canvas: object = {
    width: 1,
    height: 1,
    getContext: (kind: string) => (kind === "webgl2" ? context : null),
    // The loader takes this one if it is there; else it wraps the other in a check that only real contexts pass.
    getContextSafariWebGL2Fixed: () => context,
    addEventListener() {},
    removeEventListener() {},
  };
  context.canvas = canvas;
  return canvas as OffscreenCanvas;
}

class NoGraphics {
  canvas: object = {};
  #texture: Texture | null = null;
  #framebuffer: Framebuffer | null = null;

  createTexture(): Texture {
    return {};
  }
  bindTexture(_target: number, texture: Texture | null): void {
    this.#texture = texture;
  }
  texImage2D(...args: readonly unknown[]): void {
    const picture = args.at(-1) as Pixels | null;
    if (this.#texture && picture) this.#texture.picture = picture;
  }

  createFramebuffer(): Framebuffer {
    return {};
  }
  bindFramebuffer(_target: number, framebuffer: Framebuffer | null): void {
    this.#framebuffer = framebuffer;
  }
  framebufferTexture2D(_target: number, _attachment: number, _kind: number, texture: Texture | null): void {
    if (this.#framebuffer) this.#framebuffer.texture = texture;
  }
  checkFramebufferStatus(): number {
    return GL.FRAMEBUFFER_COMPLETE;
  }
  /** Always all of the picture. */
  readPixels(...args: readonly unknown[]): void {
    const [into, at] = args.slice(6) as [Uint8Array, number | undefined];
    const picture = this.#framebuffer?.texture?.picture;
    if (!picture) throw new Error("nothing to read");
    into.set(picture.data, at ?? 0);
  }

  getParameter(name: number): string | number {
    return ANSWERS[name] ?? 0;
  }
  getSupportedExtensions(): string[] {
    return [];
  }
  getExtension(): null {
    return null;
  }
  getContextAttributes(): object {
    return {};
  }
  getError(): number {
    return 0;
  }
  isContextLost(): boolean {
    return false;
  }
  /** Everything is done at once: there is nothing to wait for. */
  fenceSync(): object {
    return {};
  }
  activeTexture(): void {}
  texParameteri(): void {}
  deleteTexture(): void {}
  deleteFramebuffer(): void {}
  deleteSync(): void {}
  clientWaitSync(): number {
    return 0x911a; // ALREADY_SIGNALED
  }
  waitSync(): void {}
  flush(): void {}
  finish(): void {}
}
