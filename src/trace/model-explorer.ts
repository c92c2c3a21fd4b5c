import { stageIn, stageNode, stagesOf } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import { COMPUTED_STAGES, STAGES, stageSpec, type StageId } from '../model/stages';
import { EMBEDDING, LAYER_OUTPUT } from '../model/stage-roles';

/** One graph, by this id, in both files: Model Explorer matches node data to graphs by it. */
const GRAPH_ID = 'moescope';
const BAD = '#d1495b';
/** White to red over the range of the values; Model Explorer interpolates. */
const GRADIENT = [
  { stop: 0, bgColor: '#ffffff' },
  { stop: 1, bgColor: BAD },
] as const;

/** A value of one stage of one layer. */
export interface StageValue {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly value: number;
  /** Shown in the colour of what is wrong, whatever the value. */
  readonly isBad: boolean;
}

/**
 * Node data for Google's Model Explorer, as its `ModelNodeData`: `{graphId: {results: {nodeId: {value, bgColor?}}, gradient}}`. Node ids are
 * those of {@link modelExplorerGraph}. Values that are not finite are the strings "NaN", "Infinity", "-Infinity".
 */
export function modelExplorerNodeData(values: readonly StageValue[]): string {
  const results = Object.fromEntries(
    values.map(({ layer, stage, value, isBad }) => [
      nodeId(layer, stage),
      {
        value: Number.isFinite(value) ? value : String(value),
        ...(isBad || !Number.isFinite(value) ? { bgColor: BAD, textColor: '#ffffff' } : {}),
      },
    ]),
  );
  return JSON.stringify({ [GRAPH_ID]: { results, gradient: GRADIENT } }, undefined, 1);
}

/**
 * The graph that the node data belong to, as Model Explorer's own graph JSON: one node a stage, layers as namespaces, edges from the
 * inputs of the model's own graph. `layers`: which there are, ascending.
 * @param compared stages that were compared: the graph's where the model's sizes are not known
 */
export function modelExplorerGraph(
  layers: readonly number[],
  compared: ReadonlySet<StageId>,
  hparams: HParams | undefined,
): string {
  const stages = hparams === undefined ? COMPUTED_STAGES.filter((id) => compared.has(id)) : stagesOf(hparams);
  const has = (layer: number, id: StageId): boolean =>
    hparams === undefined || stageNode(hparams, id, layer) !== undefined;
  const nodes = stages.flatMap((id) => {
    const of = stageSpec(id).scope === 'model' ? [undefined] : layers.filter((layer) => has(layer, id));
    return of.map((layer) => {
      const { title, inputs } = stageIn(hparams, id, layer);
      return {
        id: nodeId(layer, id),
        label: title,
        namespace: layer === undefined ? '' : `layer ${layer}`,
        incomingEdges: inputs.map((input) => ({ sourceNodeId: sourceOf(input, layer, layers) })),
      };
    });
  });
  return JSON.stringify({ graphs: [{ id: GRAPH_ID, nodes }] }, undefined, 1);
}

/** `layer-3/moe_ffn_out`, `lm_head`. */
function nodeId(layer: number | undefined, stage: string): string {
  return layer === undefined ? stage : `layer-${layer}/${stage}`;
}

function sourceOf(input: string, layer: number | undefined, layers: readonly number[]): string {
  if (input !== 'layer_input') return nodeId(isModelStage(input) ? undefined : layer, input);
  const before = layer === undefined ? layers.at(-1) : layers[layers.indexOf(layer) - 1];
  return before === undefined ? EMBEDDING : nodeId(before, LAYER_OUTPUT);
}

function isModelStage(input: string): boolean {
  return STAGES.some((spec) => spec.id === input && spec.scope === 'model');
}
