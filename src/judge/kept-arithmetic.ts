import { roundToBf16, roundToF16 } from '../base/float';
import { without } from '../base/without';
import type { Node } from '../arch/graph';
import type { Captures } from '../divergence/compare-step';
import type { ReferenceStep, Capture } from '../model/engine';
import { stageNode } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import { roundToQ8_0 } from '../base/q8';
import type { ArithmeticId } from './arithmetics';

/*
 * Attention of keys and values that an engine keeps in fewer bits: they are rounded as it does, and what is left is held to f32's bound.
 */

type Rounding = (x: Float32Array) => Float32Array;

/** What keys and values may be kept in. Blocks of Q8_0 lie along a head, whose size they divide. */
const KEPT_IN = [
  { id: 'f16-kv', round: (x) => x.map(roundToF16) },
  { id: 'bf16-kv', round: (x) => x.map(roundToBf16) },
  { id: 'q8-kv', round: (x) => Float32Array.from(roundToQ8_0(Float64Array.from(x))) },
] as const satisfies readonly { readonly id: ArithmeticId; readonly round: Rounding }[];

/** Elements of a block of the coarsest of them. */
const BLOCK = 32;

/** Captures whose keys and values are rounded, for the stages that read them. */
export interface KeptVariant {
  readonly id: ArithmeticId;
  readonly fed: ReferenceStep;
  readonly stages: readonly StageId[];
}

/** Every way to try: what is kept is rounded, and with it, or not, the operand that meets it, as products of two equal types do. */
export function keptVariants(
  fed: ReferenceStep,
  layer: number | undefined,
  judged: readonly StageId[],
  hparams: HParams,
): readonly KeptVariant[] {
  const readers = judged.flatMap((stage) => {
    const node = stageNode(hparams, stage, layer);
    return node?.op === 'attention-scores' || node?.op === 'attention-values' ? [node] : [];
  });
  if (readers.length === 0 || hparams.headDim % BLOCK !== 0) return [];
  return KEPT_IN.flatMap(({ id, round }) =>
    [false, true].map((both): KeptVariant => {
      // Blocks of 8 bits are made of queries; probabilities meet values that are unpacked.
      const meets = (node: Node): boolean => both && (id !== 'q8-kv' || node.op === 'attention-scores');
      const rounded = new Set(
        readers.flatMap((node) => [
          ...node.reads.map(({ value }) => value.id),
          ...(meets(node) ? [node.inputs[0]?.id ?? ''] : []),
        ]),
      );
      return { id, fed: withRounded(fed, rounded, round), stages: readers.map(({ out }) => out.id) };
    }),
  );
}

function withRounded(fed: ReferenceStep, ids: ReadonlySet<string>, round: Rounding): ReferenceStep {
  const captures: Captures = new Map(
    [...fed.captures].map(([id, captured]) => [id, ids.has(id) ? roundedCapture(captured, round) : captured]),
  );
  if (fed.past === undefined) return { ...fed, captures };
  const past = new Map([...fed.past].map(([id, data]) => [id, ids.has(id) ? round(data) : data] as const));
  return { ...fed, captures, past };
}

function roundedCapture(captured: Capture, round: Rounding): Capture {
  return captured.data instanceof Float32Array
    ? { ...without(captured, 'exact'), data: round(captured.data) }
    : captured;
}
