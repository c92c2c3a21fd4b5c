import { fail } from '../base/errors';
import type { Tap } from '../model/engine';
import { stageOrder, type StageId } from '../model/stages';
import { adoptLayout } from '../trace/adopt-layout';
import { inferLayout } from '../trace/infer-layout';
import { selectPositions } from '../trace/select-positions';
import { positionAxis } from '../trace/stage-layout';
import type { Trace } from '../trace/trace';
import { layerOrder } from '../model/location';

/** The taps of one step of two traces, cut to the positions that both hold. */
export interface MatchedStep {
  /** Undefined: the whole-model stages, `embedding` in a step of its own before the layers. */
  readonly layer: number | undefined;
  /** Forward order: what at least one of the two holds. */
  readonly stages: readonly StageId[];
  readonly a: ReadonlyMap<StageId, Tap>;
  readonly b: ReadonlyMap<StageId, Tap>;
}

export interface MatchedTraces {
  /** Forward order. */
  readonly steps: readonly MatchedStep[];
  /** What has no counterpart, in words. */
  readonly notes: readonly string[];
}

/**
 * Puts the taps of two traces side by side. Taps without a layout take that of their counterpart; positions that only one holds are
 * left out and noted; a tap that shares no position with its counterpart counts as missing on one side.
 * @throws TracerError `trace-mismatch` where the shapes of the same stage differ.
 */
export function matchTaps(traceA: Trace, traceB: Trace): MatchedTraces {
  const placedB = inferLayout(adoptLayout(traceB, traceA));
  const placedA = inferLayout(adoptLayout(traceA, placedB));
  const onlyA = new Set<number>();
  const onlyB = new Set<number>();
  const lone = { A: new Map<StageId, string[]>(), B: new Map<StageId, string[]>() };
  const steps = new Map<
    number,
    { layer: number | undefined; stages: StageId[]; a: Map<StageId, Tap>; b: Map<StageId, Tap> }
  >();
  const stepOf = ({ layer, stage }: Tap): { stages: StageId[]; a: Map<StageId, Tap>; b: Map<StageId, Tap> } => {
    const key = layerOrder({ layer, stage });
    const step = steps.get(key) ?? { layer, stages: [], a: new Map<StageId, Tap>(), b: new Map<StageId, Tap>() };
    steps.set(key, step);
    return step;
  };
  for (const [key, tapA] of placedA.taps) {
    const step = stepOf(tapA);
    step.stages.push(tapA.stage);
    const tapB = placedB.taps.get(key);
    const pair = tapB === undefined ? undefined : commonPart(tapA, tapB, key, onlyA, onlyB);
    step.a.set(tapA.stage, pair?.a ?? tapA);
    if (pair !== undefined) step.b.set(tapA.stage, pair.b);
    else note(lone.A, tapA);
  }
  for (const [key, tapB] of placedB.taps) {
    if (placedA.taps.has(key)) continue;
    const step = stepOf(tapB);
    step.stages.push(tapB.stage);
    step.b.set(tapB.stage, tapB);
    note(lone.B, tapB);
  }
  const ordered = [...steps.entries()]
    .sort(([x], [y]) => x - y)
    .map(([, step]) => ({ ...step, stages: step.stages.sort((x, y) => stageOrder(x) - stageOrder(y)) }));
  const positions = (['A', 'B'] as const).flatMap((side) => {
    const list = [...(side === 'A' ? onlyA : onlyB)].sort((x, y) => x - y);
    return list.length === 0 ? [] : [`positions ${list.join(', ')} are only in ${side} and are left out`];
  });
  return { steps: ordered, notes: [...positions, ...loneNotes('A', lone.A), ...loneNotes('B', lone.B)] };
}

function commonPart(
  a: Tap,
  b: Tap,
  key: string,
  onlyA: Set<number>,
  onlyB: Set<number>,
): { readonly a: Tap; readonly b: Tap } | undefined {
  const axis = positionAxis(a.stage);
  const fits = a.shape.length === b.shape.length && a.shape.every((n, i) => i === axis || n === b.shape[i]);
  if (!fits) {
    throw fail(
      'trace-mismatch',
      `${key} has shape [${a.shape.join(', ')}] in A and [${b.shape.join(', ')}] in B.`,
      'Element-wise comparison needs the same shape. Compare traces of one model, captured at the same positions.',
      { tap: key, a: a.shape.join(' x '), b: b.shape.join(' x ') },
    );
  }
  const inA = new Set(a.positions);
  const inB = new Set(b.positions);
  const common = a.positions.filter((position) => inB.has(position));
  for (const position of a.positions) if (!inB.has(position)) onlyA.add(position);
  for (const position of b.positions) if (!inA.has(position)) onlyB.add(position);
  return common.length === 0 ? undefined : { a: selectPositions(a, common), b: selectPositions(b, common) };
}

function note(lone: Map<StageId, string[]>, { stage, layer }: Tap): void {
  const layers = lone.get(stage) ?? [];
  if (layer !== undefined) layers.push(String(layer));
  lone.set(stage, layers);
}

function loneNotes(side: 'A' | 'B', lone: ReadonlyMap<StageId, readonly string[]>): readonly string[] {
  return [...lone].map(([stage, layers]) => {
    const where = layers.length === 0 ? '' : ` (layer ${layers.join(', ')})`;
    return `${stage}${where} is only in ${side}`;
  });
}
