/*
 * Prepares the two models that find the person in a picture, from npm packages of MediaPipe (Apache-2.0), for the runtime
 * of @mediapipe/tasks-vision. The networks stay as they are, byte by byte: in front of each comes a new root table that
 * names one more buffer, in which stands how pixels become the network's input. The runtime does not take a model
 * without (TFLite Metadata, metadata_schema.fbs).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Builder } from "flatbuffers";

const packages = new URL("../node_modules/@mediapipe/", import.meta.url);
const target = new URL("../src/engine/vision/models/", import.meta.url);

/** A pixel's value v, 0…255, goes in as (v - mean) / deviation. */
const models = [
  {
    from: "selfie_segmentation/selfie_segmentation_landscape.tflite",
    to: "person.tflite",
    mean: 0,
    deviation: 255,
  },
  { from: "face_detection/face_detection_short_range.tflite", to: "face.tflite", mean: 127.5, deviation: 127.5 },
];

const NORMALIZATION_OPTIONS = 1; // of the union ProcessUnitOptions
/** Buffers of a network stand at multiples of 16 bytes of the file (tflite schema.fbs, force_align). */
const ALIGNMENT = 16;

/** ModelMetadata with one input. Numbers behind `add` are the places of fields in their tables (metadata_schema.fbs). */
function metadata(mean, deviation) {
  const builder = new Builder(256);
  const table = (fields, add) => {
    builder.startObject(fields);
    add();
    return builder.endObject();
  };
  const vector = (size, values, add) => {
    builder.startVector(size, values.length, size);
    for (const value of [...values].reverse()) add(value);
    return builder.endVector();
  };
  const offsets = (values) => vector(4, values, (value) => builder.addOffset(value));
  const floats = (values) => vector(4, values, (value) => builder.addFloat32(value));

  const [means, deviations] = [floats([mean]), floats([deviation])];
  const options = table(2, () => {
    builder.addFieldOffset(0, means, 0);
    builder.addFieldOffset(1, deviations, 0);
  });
  const unit = table(2, () => {
    builder.addFieldInt8(0, NORMALIZATION_OPTIONS, 0);
    builder.addFieldOffset(1, options, 0);
  });
  const units = offsets([unit]);
  const input = table(7, () => builder.addFieldOffset(4, units, 0));
  const inputs = offsets([input]);
  const subgraph = table(10, () => builder.addFieldOffset(2, inputs, 0));
  const subgraphs = offsets([subgraph]);
  const root = table(8, () => builder.addFieldOffset(3, subgraphs, 0));
  builder.finish(root, "M001");
  return builder.asUint8Array();
}

/** Where fields of the old root table stand, by their place: 0 version, 1 … 7 offsets to vectors and a text. */
function rootFields(view) {
  const root = view.getUint32(0, true);
  const vtable = root - view.getInt32(root, true);
  const count = (view.getUint16(vtable, true) - 4) / 2;
  return Array.from({ length: count }, (_, i) => {
    const field = view.getUint16(vtable + 4 + i * 2, true);
    return field === 0 ? null : root + field;
  });
}

const ROOT = { version: 0, buffers: 4, metadata: 6, fields: 8 };

/** Places of the tables of a vector. */
function tablesOf(view, field) {
  if (field === null || field === undefined) return [];
  const vector = field + view.getUint32(field, true);
  return Array.from({ length: view.getUint32(vector, true) }, (_, i) => {
    const at = vector + 4 + i * 4;
    return at + view.getUint32(at, true);
  });
}

const padded = (length) => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

/** Where in front of the model each new part stands, and where the model begins. */
function layout(bufferCount, namedCount, name, content) {
  let end = 8; // place of the root, and which kind of file it is
  const place = (length) => {
    const at = Math.ceil(end / 4) * 4;
    end = at + length;
    return at;
  };
  const at = {
    vtable: place(4 + ROOT.fields * 2),
    root: place(4 + ROOT.fields * 4),
    buffers: place(4 + (bufferCount + 1) * 4),
    named: place(4 + (namedCount + 1) * 4),
    entryVtable: place(8),
    entry: place(12),
    holderVtable: place(6),
    holder: place(8),
    name: place(4 + name.length),
  };
  const bytes = padded(end + 4); // its length stands before it
  return { ...at, content: bytes - 4, model: padded(bytes + content.length) };
}

/** The model with one more buffer and its name. Offsets of flatbuffers point forward only, so what is new stands first. */
function withMetadata(model, content) {
  const old = new DataView(model.buffer, model.byteOffset, model.length);
  const fields = rootFields(old);
  const [buffers, named] = [tablesOf(old, fields[ROOT.buffers]), tablesOf(old, fields[ROOT.metadata])];
  const name = Buffer.from("TFLITE_METADATA\0");
  const at = layout(buffers.length, named.length, name, content);

  const out = Buffer.alloc(at.model + model.length);
  const u16 = (to, ...values) => values.forEach((value, i) => out.writeUInt16LE(value, to + i * 2));
  const u32 = (to, value) => out.writeUInt32LE(value, to);
  const point = (from, to) => u32(from, to - from);
  const list = (to, tables) => {
    u32(to, tables.length);
    tables.forEach((table, i) => point(to + 4 + i * 4, table));
  };

  point(0, at.root);
  out.write("TFL3", 4, "latin1");
  u16(at.vtable, 4 + ROOT.fields * 2, 4 + ROOT.fields * 4);
  u32(at.root, at.root - at.vtable);
  for (let i = 0; i < ROOT.fields; i++) {
    const field = at.root + 4 + i * 4;
    const from = fields[i] ?? null;
    if (i === ROOT.buffers) point(field, at.buffers);
    else if (i === ROOT.metadata) point(field, at.named);
    else if (from === null) continue;
    else if (i === ROOT.version) u32(field, old.getUint32(from, true));
    else point(field, at.model + from + old.getUint32(from, true));
    u16(at.vtable + 4 + i * 2, field - at.root);
  }
  list(at.buffers, [...buffers.map((table) => at.model + table), at.holder]);
  list(at.named, [...named.map((table) => at.model + table), at.entry]);
  u16(at.entryVtable, 8, 12, 4, 8); // Metadata: name, buffer
  u32(at.entry, at.entry - at.entryVtable);
  point(at.entry + 4, at.name);
  u32(at.entry + 8, buffers.length);
  u16(at.holderVtable, 6, 8, 4); // Buffer: data
  u32(at.holder, at.holder - at.holderVtable);
  point(at.holder + 4, at.content);
  u32(at.name, name.length - 1);
  out.set(name, at.name + 4);
  u32(at.content, content.length);
  out.set(content, at.content + 4);
  out.set(model, at.model);
  return out;
}

mkdirSync(target, { recursive: true });
for (const { from, to, mean, deviation } of models)
  writeFileSync(new URL(to, target), withMetadata(readFileSync(new URL(from, packages)), metadata(mean, deviation)));
