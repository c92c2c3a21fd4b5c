import { stageIn } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { StageId, WeightRole } from '../model/stages';
import { weightName } from '../model/weights';
import type { Cause } from './cause';
import { longestOf } from './limits';
import type { CompareMode, Culprit, NonFinite, Row } from './report';
import { forwardOrder } from '../model/location';

/** What wrong values look like: a clause for the sentence, and the cause it stands for. Undefined for a text of another version. */
export interface Hint {
  readonly text: string;
  readonly cause: Cause | undefined;
}

/** What is needed to name a weight and an expert. */
export interface BlameContext {
  /** The model's sizes; a foreign trace does not tell them, nor whether the head's weight is the token embedding. */
  readonly hparams: HParams | undefined;
  /** ggml type of a tensor by GGUF name. */
  typeOf(tensor: string): string | undefined;
  /** The tensor of the file that holds a weight, where that is not the weight's own name: fused tensors, experts apart. */
  inFile?(tensor: string, expert: number | undefined): { readonly name: string; readonly type: string } | undefined;
  /** The expert in a slot, from the choices that fed the row: the candidate's own of a local one, else the reference's. */
  expertAt(layer: number, position: number, slot: number, mode: CompareMode): number | undefined;
  /** What the wrong values of an isolated product look like, where that was looked into. */
  hintAt?(layer: number | undefined, stage: StageId): Hint | undefined;
}

/** A row that is wrong by itself, as a culprit: which value shows it, and which weights it reads. Undefined for rows that are not. */
export function culpritOf(
  row: Row,
  limits: { readonly cosine: number; readonly ratio: number },
  context: BlameContext,
): Culprit | undefined {
  const evidence = evidenceOf(row, limits);
  if (evidence === undefined) return undefined;
  const { index, ...rest } = evidence;
  const spec = stageIn(context.hparams, row.stage, row.layer);
  const position = index[spec.shape.indexOf('nTokens')] ?? row.worstPosition ?? 0;
  const slot = spec.operation === 'expert-linear' ? index[spec.shape.indexOf('nExpertUsed')] : undefined;
  const expert =
    slot === undefined || row.layer === undefined ? undefined : context.expertAt(row.layer, position, slot, row.mode);
  const [role] = spec.weights;
  const weight = role === undefined ? undefined : nameOf(role, row.layer, context);
  const held = weight === undefined ? undefined : context.inFile?.(weight, expert);
  const tensor = held?.name ?? weight;
  const qtype = held?.type ?? (tensor === undefined ? undefined : context.typeOf(tensor));
  const hint = row.mode !== 'free' ? context.hintAt?.(row.layer, row.stage) : undefined;
  return {
    layer: row.layer,
    stage: row.stage,
    position,
    ...(expert === undefined ? {} : { expert }),
    ...(tensor === undefined ? {} : { tensor }),
    ...(qtype === undefined ? {} : { qtype }),
    mode: row.mode,
    ...rest,
    ...(hint === undefined ? {} : { hint: hint.text }),
    ...(hint?.cause === undefined ? {} : { cause: hint.cause }),
  };
}

/** What is not finite in an engine that nothing is compared with, as a culprit. */
export function nonFiniteCulprit(nonFinite: NonFinite, context: BlameContext): Culprit | undefined {
  const { arm: engine, mode, layer, stage, kind, index } = nonFinite;
  const found = kind === 'NaN' ? { nanA: 1 } : { infA: 1 };
  const row: Row = {
    a: engine,
    b: engine,
    mode,
    layer,
    stage,
    verdict: 'nan-gpu',
    count: 1,
    ...found,
    firstNonFiniteA: index,
  };
  return culpritOf(row, { cosine: 0, ratio: 0 }, context);
}

/** Rows of one mode in forward order: embedding, layers, whole-model stages after them. */
export function inForwardOrder(rows: readonly Row[], mode: CompareMode): readonly Row[] {
  return rows.filter((row) => row.mode === mode).sort(forwardOrder);
}

type Evidence = Pick<Culprit, 'metric' | 'value' | 'limit' | 'side'> & { readonly index: readonly number[] };

const SIDES = { 'nan-gpu': undefined, 'nan-cpu': 'reference', 'nan-both': 'both' } as const;

function evidenceOf(row: Row, limits: { readonly cosine: number; readonly ratio: number }): Evidence | undefined {
  if (row.verdict === 'nan-gpu' || row.verdict === 'nan-both' || row.verdict === 'nan-cpu') {
    const index = (row.verdict === 'nan-cpu' ? row.firstNonFiniteB : row.firstNonFiniteA) ?? [];
    const nan = row.verdict === 'nan-cpu' ? (row.nanB ?? 0) : (row.nanA ?? 0);
    const side = SIDES[row.verdict];
    return {
      metric: 'non-finite',
      value: nan > 0 ? NaN : Infinity,
      limit: 0,
      index,
      ...(side === undefined ? {} : { side }),
    };
  }
  if (row.verdict !== 'diverge') return undefined;
  if (row.jaccard !== undefined) {
    const flip = row.flips?.find((f) => f.explained === false) ?? row.flips?.[0];
    return {
      metric: 'flip',
      value: row.jaccard,
      limit: 1,
      index: flip === undefined ? (row.maxAbsIndex ?? []) : [flip.position],
    };
  }
  if (row.mode !== 'free' && row.maxRatio !== undefined) {
    return { metric: 'ratio', value: row.maxRatio, limit: limits.ratio, index: row.maxRatioIndex ?? [] };
  }
  if (row.worstLength !== undefined) {
    const { value, index } = row.worstLength;
    return { metric: 'length', value, limit: longestOf(limits.cosine), index };
  }
  const { value, index } = row.lowestCosine ?? { value: row.cosine ?? NaN, index: row.maxAbsIndex ?? [] };
  return { metric: 'cosine', value, limit: limits.cosine, index };
}

function nameOf(role: WeightRole, layer: number | undefined, { hparams }: BlameContext): string | undefined {
  if (hparams !== undefined) return weightName(role, layer, hparams);
  return role === 'output' ? undefined : weightName(role, layer, { tiedEmbeddings: false });
}
