import { weightDims, type ModelGraph } from '../../src/arch/graph';
import { SINGLE_HEADS } from '../../src/fusions/attention/attention-plan';
import type { DecodeChoice } from '../../src/fusions/choice';
import type { PlanFacts } from '../../src/fusions/fusion';

const laneGroup = { lanes: 8, group: 64, batches: 2 } as const;
const choice: DecodeChoice = {
  ...{ subgroups: false, dots: 'own', ahead: 1, attention: SINGLE_HEADS },
  laneGroups: {
    qkv: laneGroup,
    project: laneGroup,
    router: laneGroup,
    'experts-in': laneGroup,
    'experts-out': laneGroup,
    head: laneGroup,
  },
};

/** Every matrix in a buffer of its own, all of them F32. */
export function factsOf(graph: ModelGraph, facts: Partial<PlanFacts> = {}): PlanFacts {
  const rows = (dims: readonly number[]): number => dims.slice(1).reduce((a, b) => a * b, 1);
  return {
    ...{ graph, choice, workgroupLanes: 256 },
    weights: {
      matrix: (slot) => ({ type: 'F32', tiles: [{ firstRow: 0, rows: rows(weightDims(slot, graph.sizes)) }] }),
      stacks: (slots) => slots.map((slot) => ({ type: 'F32', rows: rows(weightDims(slot, graph.sizes)) })),
    },
    ...facts,
  };
}
