import { expect, test } from "vitest";
import { noGraphics } from "./nographics.ts";

test("a picture comes back as it went in", () => {
  const gl = noGraphics().getContext("webgl2") as WebGL2RenderingContext;
  const picture = { width: 2, height: 1, data: Uint8ClampedArray.of(1, 2, 3, 4, 5, 6, 7, 8) };
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture as ImageData);
  gl.bindTexture(gl.TEXTURE_2D, null);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const into = new Uint8Array(10);
  gl.readPixels(0, 0, 2, 1, gl.RGBA, gl.UNSIGNED_BYTE, into, 2);
  expect([...into]).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test("reading what nobody wrote is an error, not a black picture", () => {
  const gl = noGraphics().getContext("webgl2") as WebGL2RenderingContext;
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  expect(() => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4), 0)).toThrow("nothing to read");
});
