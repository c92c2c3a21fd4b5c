/**
 * How files hold tensors where memory holds them otherwise, so that files of other tools and of earlier versions stay readable:
 * attention's scores and probabilities have the heads first, (nHead, nTokens, nKeys), and in trees of APRT or NumPy files the projections
 * of a layer lie side by side in one `qkv_matmul`, (nTokens, qDim + 2 kvDim).
 */
import type { Tap } from '../model/engine';
import type { HParams } from '../model/hparams';
import { LATENT_VALUES } from '../model/stage-roles';
import { partsOf, STAGES, stageSpec, type StageId } from '../model/stages';

type Header = Omit<Tap, 'data' | 'bound' | 'exact'>;
type Data = Tap['data'];

/** Whether files hold a stage with the heads as its first axis. */
export function isHeadsFirst(stage: StageId): boolean {
  const dims: readonly string[] = stageSpec(stage).shape;
  return dims.includes('nKeys');
}

/** The axis of a file's tensor that positions label. */
export function filedPositionAxis(stage: StageId): number {
  return isHeadsFirst(stage) ? 1 : 0;
}

/** A tap as files hold it: shape, values and bound. */
export function toFiled<T extends Tap>(tap: T): T {
  return isHeadsFirst(tap.stage) && tap.shape.length === 3 ? swapped(tap) : tap;
}

/** A file's tensor as memory holds it; anything but three axes is left for {@link checkTap} to refuse. */
export function fromFiled<T extends Tap>(tap: T): T {
  return isHeadsFirst(tap.stage) && tap.shape.length === 3 ? swapped(tap) : tap;
}

/**
 * What latent attention reads, as llama.cpp holds it with the heads first, (nHead, nTokens, kvRank), as one row a token; anything else as it is. By axes alone its
 * heads would be taken for tokens.
 */
export function latentRows<T extends Pick<Tap, 'stage' | 'shape' | 'data'>>(tap: T): T {
  const [heads = 0, tokens = 0, length = 0] = tap.shape;
  if (tap.stage !== LATENT_VALUES || tap.shape.length !== 3) return tap;
  return { ...tap, shape: [tokens, heads * length], data: swapLeadingAxes(tap.data, heads, tokens, length) };
}

/** A tap as a tree holds it. */
export interface FiledTap extends Tap {
  /** Of a joined one: how many channels each of its parts has. */
  readonly parts?: PartWidths;
}

/** Taps of one engine as a tree holds them, one at a time. @param unplaced whether the shape of a tap is not known */
export function* filedTaps(taps: Iterable<Tap>, unplaced: (tap: Tap) => boolean): Generator<FiledTap> {
  const joiner = new ProjectionJoiner();
  for (const tap of taps) {
    if (unplaced(tap)) yield tap;
    else for (const ready of joiner.add(tap)) yield toFiled(ready);
  }
  for (const rest of joiner.rest()) yield toFiled(rest);
}

/** Joins the projections of each layer as they come in; what has no partners of the same positions comes out as it is. */
export class ProjectionJoiner {
  readonly #waiting = new Map<number | undefined, Tap[]>();

  /** What is ready once `tap` is there: the tap itself, nothing while partners may follow, or all of them as one. */
  add(tap: Tap): readonly FiledTap[] {
    const whole = wholeOf(tap.stage);
    if (whole === undefined) return [tap];
    const taps = [...(this.#waiting.get(tap.layer) ?? []), tap];
    if (taps.length < partsOf(whole).length) {
      this.#waiting.set(tap.layer, taps);
      return [];
    }
    this.#waiting.delete(tap.layer);
    return joinProjections(taps);
  }

  /** What still waits. */
  rest(): readonly Tap[] {
    const rest = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    return rest;
  }
}

/** The parts of a joined stage as one tap, side by side; the taps themselves where they do not fit. Headers without values are joined too. */
function joinProjections(taps: readonly Tap[]): readonly FiledTap[] {
  const [first] = taps;
  const whole = first === undefined ? undefined : wholeOf(first.stage);
  const rows = first?.positions.length ?? 0;
  const parts = whole === undefined ? [] : partsOf(whole).map((id) => taps.find((tap) => tap.stage === id));
  const found = parts.flatMap((tap) => tap ?? []);
  const fits = found.every((tap) => tap.shape.length === 2 && tap.positions.join() === first?.positions.join());
  if (first === undefined || whole === undefined || found.length < parts.length || !fits) return taps;
  const widths = found.map((tap) => tap.shape[1] ?? 0);
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
  const bounds = found.flatMap((tap) => tap.bound ?? []);
  const joined: FiledTap = {
    stage: whole,
    layer: first.layer,
    positions: first.positions,
    shape: [rows, width],
    parts: widths,
    data: join(found.map((tap) => tap.data)),
    ...(bounds.length === found.length ? { bound: join(bounds) } : {}),
  };
  return [joined];
}

/** Widths of a joined stage's parts. */
export type PartWidths = readonly number[];

/** The widths of q, k and v where the model's sizes are known, or other taps of the same engine tell them. */
export function projectionWidths(hparams: HParams | undefined, taps: Iterable<Tap>): PartWidths | undefined {
  if (hparams !== undefined) return [hparams.qDim, hparams.kvDim, hparams.kvDim];
  const widths = new Map<StageId, number>();
  for (const tap of taps) widths.set(tap.stage, tap.data.length / tap.positions.length);
  const pick = (...stages: readonly StageId[]): number | undefined =>
    stages.map((stage) => widths.get(stage)).find((width) => width !== undefined);
  const q = pick('q_proj', 'q_norm', 'q_post_rope', 'attention');
  const k = pick('k_proj', 'v_proj', 'k_norm', 'k_post_rope');
  const joined = widths.get('qkv_matmul');
  if (q === undefined) return undefined;
  const kv = k ?? (joined === undefined ? NaN : (joined - q) / 2);
  return Number.isInteger(kv) && kv > 0 ? [q, kv, kv] : undefined;
}

/** Taps with the joined ones cut into their parts; those that the widths do not fit stay. */
export function splitProjections(taps: readonly Tap[], widths: PartWidths | undefined): readonly Tap[] {
  return widths === undefined ? taps : taps.flatMap((tap) => splitTap(tap, widths));
}

/** One tap's parts; the tap itself where it is not a joined one, or not of these widths. */
export function splitTap(tap: Tap, widths: PartWidths): readonly Tap[] {
  const parts = partsOf(tap.stage);
  const [rows = 0, width = 0] = tap.shape;
  const total = widths.reduce((a, b) => a + b, 0);
  if (parts.length !== widths.length || tap.shape.length !== 2 || width !== total) return [tap];
  let at = 0;
  return parts.map((stage, i): Tap => {
    const w = widths[i] ?? 0;
    const cut = (data: Data): Float32Array<ArrayBuffer> => {
      const out = new Float32Array(rows * w);
      copyColumns(data, width, at, out, w, 0, w, rows);
      return out;
    };
    const bound = tap.bound === undefined ? {} : { bound: cut(tap.bound) };
    const part: Tap = {
      stage,
      layer: tap.layer,
      positions: tap.positions,
      shape: [rows, w],
      data: cut(tap.data),
      ...bound,
    };
    at += w;
    return part;
  });
}

/** The tap of the joined stage that a trace's parts would make, without values: what a foreign dump of it is laid out as. */
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

function swapped<T extends Tap>(tap: T): T {
  const [outer = 0, inner = 0, length = 0] = tap.shape;
  const bound = tap.bound === undefined ? {} : { bound: swapLeadingAxes(tap.bound, outer, inner, length) };
  const data = tap.data.length === 0 ? tap.data : swapLeadingAxes(tap.data, outer, inner, length);
  return { ...tap, shape: [inner, outer, length], data, ...bound };
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
