/**
 * How files hold tensors where memory holds them otherwise, so that files of other tools and of earlier versions stay readable:
 * attention's scores and probabilities have the heads first, (nHead, nTokens, nKeys), and in trees of APRT or NumPy files the projections
 * of a layer lie side by side in one `qkv_matmul`, (nTokens, qDim + 2 kvDim).
 */
import type { Capture } from '../model/engine';
import type { HParams } from '../model/hparams';
import { LATENT_VALUES } from '../model/stage-roles';
import { partsOf, STAGES, stageSpec, type StageId } from '../model/stages';

type Header = Omit<Capture, 'data' | 'bound' | 'exact'>;
type Data = Capture['data'];

/** Whether files hold a stage with the heads as its first axis. */
export function isHeadsFirst(stage: StageId): boolean {
  const dims: readonly string[] = stageSpec(stage).shape;
  return dims.includes('nKeys');
}

/** The axis of a file's tensor that positions label. */
export function filedPositionAxis(stage: StageId): number {
  return isHeadsFirst(stage) ? 1 : 0;
}

/** A capture as files hold it: shape, values and bound. */
export function toFiled<T extends Capture>(captured: T): T {
  return isHeadsFirst(captured.stage) && captured.shape.length === 3 ? swapped(captured) : captured;
}

/** A file's tensor as memory holds it; anything but three axes is left for {@link checkCapture} to refuse. */
export function fromFiled<T extends Capture>(captured: T): T {
  return isHeadsFirst(captured.stage) && captured.shape.length === 3 ? swapped(captured) : captured;
}

/**
 * What latent attention reads, as llama.cpp holds it with the heads first, (nHead, nTokens, kvRank), as one row a token; anything else as it is. By axes alone its
 * heads would be taken for tokens.
 */
export function latentRows<T extends Pick<Capture, 'stage' | 'shape' | 'data'>>(captured: T): T {
  const [heads = 0, tokens = 0, length = 0] = captured.shape;
  if (captured.stage !== LATENT_VALUES || captured.shape.length !== 3) return captured;
  return { ...captured, shape: [tokens, heads * length], data: swapLeadingAxes(captured.data, heads, tokens, length) };
}

/** A capture as a tree holds it. */
export interface FiledCapture extends Capture {
  /** Of a joined one: how many channels each of its parts has. */
  readonly parts?: PartWidths;
}

/** Captures of one engine as a tree holds them, one at a time. @param unplaced whether the shape of a capture is not known */
export function* filedCaptures(
  captures: Iterable<Capture>,
  unplaced: (captured: Capture) => boolean,
): Generator<FiledCapture> {
  const joiner = new ProjectionJoiner();
  for (const captured of captures) {
    if (unplaced(captured)) yield captured;
    else for (const ready of joiner.add(captured)) yield toFiled(ready);
  }
  for (const rest of joiner.rest()) yield toFiled(rest);
}

/** Joins the projections of each layer as they come in; what has no partners of the same positions comes out as it is. */
export class ProjectionJoiner {
  readonly #waiting = new Map<number | undefined, Capture[]>();

  /** What is ready once `capture` is there: the capture itself, nothing while partners may follow, or all of them as one. */
  add(captured: Capture): readonly FiledCapture[] {
    const whole = wholeOf(captured.stage);
    if (whole === undefined) return [captured];
    const captures = [...(this.#waiting.get(captured.layer) ?? []), captured];
    if (captures.length < partsOf(whole).length) {
      this.#waiting.set(captured.layer, captures);
      return [];
    }
    this.#waiting.delete(captured.layer);
    return joinProjections(captures);
  }

  /** What still waits. */
  rest(): readonly Capture[] {
    const rest = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    return rest;
  }
}

/** The parts of a joined stage as one capture, side by side; the captures themselves where they do not fit. Headers without values are joined too. */
function joinProjections(captures: readonly Capture[]): readonly FiledCapture[] {
  const [first] = captures;
  const whole = first === undefined ? undefined : wholeOf(first.stage);
  const rows = first?.positions.length ?? 0;
  const parts =
    whole === undefined ? [] : partsOf(whole).map((id) => captures.find((captured) => captured.stage === id));
  const found = parts.flatMap((captured) => captured ?? []);
  const fits = found.every(
    (captured) => captured.shape.length === 2 && captured.positions.join() === first?.positions.join(),
  );
  if (first === undefined || whole === undefined || found.length < parts.length || !fits) return captures;
  const widths = found.map((captured) => captured.shape[1] ?? 0);
  const width = widths.reduce((a, b) => a + b, 0);
  const join = (data: readonly Data[]): Float32Array<ArrayBuffer> => {
    const out = new Float32Array(data.every((part) => part.length === 0) ? 0 : rows * width);
    let at = 0;
    for (const [i, part] of data.entries()) {
      const w = widths[i] ?? 0;
      if (out.length > 0) copyColumns(part, w, 0, out, width, at, w, rows);
      at += w;
    }
    return out;
  };
  const bounds = found.flatMap((captured) => captured.bound ?? []);
  const joined: FiledCapture = {
    stage: whole,
    layer: first.layer,
    positions: first.positions,
    shape: [rows, width],
    parts: widths,
    data: join(found.map((captured) => captured.data)),
    ...(bounds.length === found.length ? { bound: join(bounds) } : {}),
  };
  return [joined];
}

/** Widths of a joined stage's parts. */
export type PartWidths = readonly number[];

/** The widths of q, k and v where the model's sizes are known, or other captures of the same engine tell them. */
export function projectionWidths(hparams: HParams | undefined, captures: Iterable<Capture>): PartWidths | undefined {
  if (hparams !== undefined) return [hparams.qDim, hparams.kvDim, hparams.kvDim];
  const widths = new Map<StageId, number>();
  for (const captured of captures) widths.set(captured.stage, captured.data.length / captured.positions.length);
  const pick = (...stages: readonly StageId[]): number | undefined =>
    stages.map((stage) => widths.get(stage)).find((width) => width !== undefined);
  const q = pick('q_proj', 'q_norm', 'q_post_rope', 'attention');
  const k = pick('k_proj', 'v_proj', 'k_norm', 'k_post_rope');
  const joined = widths.get('qkv_matmul');
  if (q === undefined) return undefined;
  const kv = k ?? (joined === undefined ? NaN : (joined - q) / 2);
  return Number.isInteger(kv) && kv > 0 ? [q, kv, kv] : undefined;
}

/** Captures with the joined ones cut into their parts; those that the widths do not fit stay. */
export function splitProjections(captures: readonly Capture[], widths: PartWidths | undefined): readonly Capture[] {
  return widths === undefined ? captures : captures.flatMap((captured) => splitCapture(captured, widths));
}

/** One capture's parts; the capture itself where it is not a joined one, or not of these widths. */
export function splitCapture(captured: Capture, widths: PartWidths): readonly Capture[] {
  const parts = partsOf(captured.stage);
  const [rows = 0, width = 0] = captured.shape;
  const total = widths.reduce((a, b) => a + b, 0);
  if (parts.length !== widths.length || captured.shape.length !== 2 || width !== total) return [captured];
  let at = 0;
  return parts.map((stage, i): Capture => {
    const w = widths[i] ?? 0;
    const cut = (data: Data): Float32Array<ArrayBuffer> => {
      const out = new Float32Array(rows * w);
      copyColumns(data, width, at, out, w, 0, w, rows);
      return out;
    };
    const bound = captured.bound === undefined ? {} : { bound: cut(captured.bound) };
    const part: Capture = {
      stage,
      layer: captured.layer,
      positions: captured.positions,
      shape: [rows, w],
      data: cut(captured.data),
      ...bound,
    };
    at += w;
    return part;
  });
}

/** The capture of the joined stage that a trace's parts would make, without values: what a foreign dump of it is laid out as. */
export function joinedHeader(stage: StageId, parts: readonly (Header | undefined)[]): Header | undefined {
  const found = parts.flatMap((part) => part ?? []);
  const [first] = found;
  if (first === undefined || found.length < parts.length) return undefined;
  const width = found.reduce((sum, part) => sum + (part.shape[1] ?? 0), 0);
  return { stage, layer: first.layer, positions: first.positions, shape: [first.positions.length, width] };
}

/** (heads, tokens, keys) to (tokens, heads, keys), or back with the counts swapped. The bits are kept. */
export function swapLeadingAxes<T extends Data>(source: T, outer: number, inner: number, length: number): T {
  const out = source.slice();
  for (let a = 0; a < outer; a++) {
    for (let b = 0; b < inner; b++) {
      const at = (a * inner + b) * length;
      out.set(source.subarray(at, at + length), (b * outer + a) * length);
    }
  }
  // A slice of a typed array is one of the same type.
  return out as T;
}

function swapped<T extends Capture>(captured: T): T {
  const [outer = 0, inner = 0, length = 0] = captured.shape;
  const bound = captured.bound === undefined ? {} : { bound: swapLeadingAxes(captured.bound, outer, inner, length) };
  const data = captured.data.length === 0 ? captured.data : swapLeadingAxes(captured.data, outer, inner, length);
  return { ...captured, shape: [inner, outer, length], data, ...bound };
}

function copyColumns(
  from: Data,
  fromStride: number,
  fromAt: number,
  to: Float32Array,
  toStride: number,
  toAt: number,
  width: number,
  rows: number,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * fromStride + fromAt;
    to.set(from.subarray(at, at + width), row * toStride + toAt);
  }
}

/** Whether a stage is a part of a joined one: its channels are heads side by side. */
export function isProjection(stage: StageId): boolean {
  return wholeOf(stage) !== undefined;
}

/** The joined stage that a stage is a part of. */
function wholeOf(stage: StageId): StageId | undefined {
  return STAGES.find(({ parts }) => parts?.includes(stage) === true)?.id;
}
