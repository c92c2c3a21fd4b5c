import { fail } from '../base/errors';
import type { Capture } from '../model/engine';
import { stageOrder, type StageId } from '../model/stages';
import { adoptLayout } from '../trace/adopt-layout';
import { inferLayout } from '../trace/infer-layout';
import { selectPositions } from '../trace/select-positions';
import { positionAxis } from '../trace/stage-layout';
import type { Trace } from '../trace/trace';
import { layerOrder } from '../model/location';

/** The captures of one step of two traces, cut to the positions that both hold. */
export interface MatchedStep {
  /** Undefined: the whole-model stages, `embedding` in a step of its own before the layers. */
  readonly layer: number | undefined;
  /** Forward order: what at least one of the two holds. */
  readonly stages: readonly StageId[];
  readonly a: ReadonlyMap<StageId, Capture>;
  readonly b: ReadonlyMap<StageId, Capture>;
}

export interface MatchedTraces {
  /** Forward order. */
  readonly steps: readonly MatchedStep[];
  /** What has no counterpart, in words. */
  readonly notes: readonly string[];
}

/**
 * Puts the captures of two traces side by side. Captures without a layout take that of their counterpart; positions that only one holds are
 * left out and noted; a capture that shares no position with its counterpart counts as missing on one side.
 * @throws TracerError `trace-mismatch` where the shapes of the same stage differ.
 */
export function matchCaptures(traceA: Trace, traceB: Trace): MatchedTraces {
  const placedB = inferLayout(adoptLayout(traceB, traceA));
  const placedA = inferLayout(adoptLayout(traceA, placedB));
  const onlyA = new Set<number>();
  const onlyB = new Set<number>();
  const lone = { A: new Map<StageId, string[]>(), B: new Map<StageId, string[]>() };
  const steps = new Map<
    number,
    { layer: number | undefined; stages: StageId[]; a: Map<StageId, Capture>; b: Map<StageId, Capture> }
  >();
  const stepOf = ({
    layer,
    stage,
  }: Capture): { stages: StageId[]; a: Map<StageId, Capture>; b: Map<StageId, Capture> } => {
    const key = layerOrder({ layer, stage });
    const step = steps.get(key) ?? {
      layer,
      stages: [],
      a: new Map<StageId, Capture>(),
      b: new Map<StageId, Capture>(),
    };
    steps.set(key, step);
    return step;
  };
  for (const [key, captureA] of placedA.captures) {
    const step = stepOf(captureA);
    step.stages.push(captureA.stage);
    const captureB = placedB.captures.get(key);
    const pair = captureB === undefined ? undefined : commonPart(captureA, captureB, key, onlyA, onlyB);
    step.a.set(captureA.stage, pair?.a ?? captureA);
    if (pair !== undefined) step.b.set(captureA.stage, pair.b);
    else note(lone.A, captureA);
  }
  for (const [key, captureB] of placedB.captures) {
    if (placedA.captures.has(key)) continue;
    const step = stepOf(captureB);
    step.stages.push(captureB.stage);
    step.b.set(captureB.stage, captureB);
    note(lone.B, captureB);
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
  a: Capture,
  b: Capture,
  key: string,
  onlyA: Set<number>,
  onlyB: Set<number>,
): { readonly a: Capture; readonly b: Capture } | undefined {
  const axis = positionAxis(a.stage);
  const fits = a.shape.length === b.shape.length && a.shape.every((n, i) => i === axis || n === b.shape[i]);
  if (!fits) {
    throw fail(
      'trace-mismatch',
      `${key} has shape [${a.shape.join(', ')}] in A and [${b.shape.join(', ')}] in B.`,
      'Element-wise comparison needs the same shape. Compare traces of one model, captured at the same positions.',
      { captured: key, a: a.shape.join(' x '), b: b.shape.join(' x ') },
    );
  }
  const inA = new Set(a.positions);
  const inB = new Set(b.positions);
  const common = a.positions.filter((position) => inB.has(position));
  for (const position of a.positions) if (!inB.has(position)) onlyA.add(position);
  for (const position of b.positions) if (!inA.has(position)) onlyB.add(position);
  return common.length === 0 ? undefined : { a: selectPositions(a, common), b: selectPositions(b, common) };
}

function note(lone: Map<StageId, string[]>, { stage, layer }: Capture): void {
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
