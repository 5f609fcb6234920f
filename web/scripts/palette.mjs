import { deflateSync } from "node:zlib";

const maxColours = 256;

/** Encodes RGBA pixels as a PNG with a palette (PNG, third edition, §11.2.2): a quarter of the size for a picture of a page. */
export function palettePng(rgba, width, height) {
  const palette = medianCut(histogram(rgba));
  const nearest = new Map();
  const lines = Buffer.alloc((width + 1) * height); // each line begins with its filter: 0, none
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = rgba.subarray(i * 4, i * 4 + 3);
    const key = (r << 16) | (g << 8) | b;
    if (!nearest.has(key)) nearest.set(key, closest(palette, [r, g, b]));
    lines[Math.floor(i / width) * (width + 1) + 1 + (i % width)] = nearest.get(key);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // eight bits, palette
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(lines, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Colours and how often they occur, five bits a channel: the noise of a video codec is no colour. */
function histogram(rgba) {
  const bins = new Map();
  for (let i = 0; i < rgba.length; i += 4) {
    const [r, g, b] = [rgba[i], rgba[i + 1], rgba[i + 2]];
    const key = ((r >> 3) << 10) | ((g >> 3) << 5) | (b >> 3);
    const bin = bins.get(key) ?? { n: 0, sum: [0, 0, 0] };
    bin.n++;
    bin.sum[0] += r;
    bin.sum[1] += g;
    bin.sum[2] += b;
    bins.set(key, bin);
  }
  return [...bins.values()].map(({ n, sum }) => ({ n, colour: sum.map((s) => s / n) }));
}

/** Splits the box with the widest channel at its median until there are enough boxes. */
function medianCut(bins) {
  const boxes = [box(bins)];
  while (boxes.length < maxColours) {
    boxes.sort((a, b) => a.score - b.score);
    const widest = boxes.pop();
    if (!widest || widest.bins.length < 2) break;
    const sorted = widest.bins.toSorted((a, b) => a.colour[widest.channel] - b.colour[widest.channel]);
    const half = sorted.length >> 1;
    boxes.push(box(sorted.slice(0, half)), box(sorted.slice(half)));
  }
  return boxes.map(({ bins }) => {
    const n = bins.reduce((sum, bin) => sum + bin.n, 0);
    return [0, 1, 2].map((c) => Math.round(bins.reduce((sum, bin) => sum + bin.n * bin.colour[c], 0) / n));
  });
}

function box(bins) {
  const widths = [0, 1, 2].map((c) => {
    const values = bins.map((bin) => bin.colour[c]);
    return Math.max(...values) - Math.min(...values);
  });
  const width = Math.max(...widths);
  const n = bins.reduce((sum, bin) => sum + bin.n, 0);
  return { bins, channel: widths.indexOf(width), score: bins.length < 2 ? 0 : width * Math.cbrt(n) };
}

function closest(palette, colour) {
  const distance = (p) => p.reduce((sum, value, c) => sum + (value - colour[c]) ** 2, 0);
  let best = 0;
  for (let i = 1; i < palette.length; i++) if (distance(palette[i]) < distance(palette[best])) best = i;
  return best;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** CRC of PNG, annex D. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
