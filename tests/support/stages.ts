import { qwen3moe } from '../../src/arch/qwen3moe';
import type { Section } from '../../src/arch/graph';
import { FAULTS, type FaultKind } from '../../src/model/faults';
import type { StageId } from '../../src/model/stages';

const { embed, layers, head } = qwen3moe.graph(qwen3moe.sample);

/* The stages of Qwen3-MoE, which most golden models are of; forward order. */
export const LAYER_STAGES: readonly StageId[] = idsOf(layers);
export const MODEL_STAGES: readonly StageId[] = idsOf([embed, head]);
export const ACTIVE_STAGES: readonly StageId[] = idsOf([embed, ...layers, head]);

/** The kinds of faults that it can have. */
export const KINDS: readonly FaultKind[] = FAULTS.flatMap(({ kind, stages }) => {
  const own: readonly StageId[] = stages;
  // Some are of another rotation or gate than it has.
  const can = kind !== 'rope-whole-head' && (own.length === 0 || own.some((id) => LAYER_STAGES.includes(id)));
  return can ? [kind] : [];
});

/** The weights of its layers. */
export const LAYER_ROLES: readonly string[] = layers.flatMap(({ nodes }) =>
  nodes.flatMap(({ weights }) => weights.map(({ role }) => role)),
);

function idsOf(sections: readonly Section[]): readonly StageId[] {
  return sections.flatMap(({ nodes }) => nodes.map(({ out }) => out.id));
}
