import type { SceneName } from "./choice.ts";

type Context = OffscreenCanvasRenderingContext2D;
interface Size {
  readonly width: number;
  readonly height: number;
}

/** Backgrounds that are drawn here, so that no photograph of anybody's has to ship. All are calm: the person is what one looks at. */
export function drawScene(scene: SceneName, context: Context, size: Size): void {
  if (scene === "dawn") sky(context, size, ["#f3e3d3", "#f0c9b0", "#b9a7c4"], "#8f86ad");
  else if (scene === "dusk") sky(context, size, ["#1d2740", "#3b3f66", "#a0617a"], "#161c2e");
  else study(context, size);
}

/** A sky in three colours, and hills. */
function sky(
  context: Context,
  { width, height }: Size,
  colours: readonly [string, string, string],
  hill: string,
): void {
  const gradient = context.createLinearGradient(0, 0, 0, height);
  colours.forEach((colour, i) => gradient.addColorStop(i / 2, colour));
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
  context.fillStyle = hill;
  for (const [i, top] of [0.62, 0.74, 0.86].entries()) {
    context.globalAlpha = 0.35 + 0.2 * i;
    context.beginPath();
    context.moveTo(0, height);
    for (let x = 0; x <= 40; x++) {
      const wave = Math.sin(x / (5 - i) + i * 2) + 0.5 * Math.sin(x / 2.3 + i);
      context.lineTo((x / 40) * width, (top + 0.03 * wave) * height);
    }
    context.lineTo(width, height);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** A wall with two shelves of books, a little out of focus. */
function study(context: Context, { width, height }: Size): void {
  const wall = context.createLinearGradient(0, 0, width, height);
  wall.addColorStop(0, "#d8d2c6");
  wall.addColorStop(1, "#b7ae9f");
  context.fillStyle = wall;
  context.fillRect(0, 0, width, height);
  const spines = ["#7a4b3a", "#3f5b5e", "#8d7b4f", "#56476b", "#a86f4a", "#4b6248", "#87424a", "#384a66"];
  for (const [row, bottom] of [0.34, 0.68].entries()) {
    for (let i = 0, x = 0.04; x < 0.96; i++) {
      const thick = 0.014 + ((i * 7 + row * 3) % 5) * 0.003;
      const tall = 0.15 + ((i * 5 + row * 2) % 4) * 0.018;
      context.fillStyle = spines[(i * 3 + row) % spines.length] as string;
      if ((i + row * 4) % 11 < 9) context.fillRect(x * width, (bottom - tall) * height, thick * width, tall * height);
      x += thick + 0.002;
    }
    context.fillStyle = "#8a6f55";
    context.fillRect(0.03 * width, bottom * height, 0.94 * width, 0.025 * height);
  }
}
