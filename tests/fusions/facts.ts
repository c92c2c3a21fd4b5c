import { weightDims, type ModelGraph, type WeightSlot } from '../../src/arch/graph';
import { SINGLE_HEADS } from '../../src/fusions/attention/attention-plan';
import type { DecodeChoice } from '../../src/fusions/choice';
import type { PlanFacts } from '../../src/fusions/fusion';
import type { TensorRows } from '../../src/gguf/tensor-rows';
import { tensorOf } from '../support/tensors';

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
  const whole = (slot: WeightSlot): TensorRows => {
    const dims = weightDims(slot, graph.sizes);
    return { tensor: tensorOf(slot.name, dims, 'F32'), firstRow: 0, rows: dims.slice(1).reduce((a, b) => a * b, 1) };
  };
  return {
    ...{ graph, choice, workgroupLanes: 256 },
    weights: {
      matrix: (slot) => [whole(slot)],
      stacks: (slots) => slots.map((slot) => [whole(slot)]),
      unfit: () => undefined,
    },
    ...facts,
  };
}
