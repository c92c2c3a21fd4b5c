import { MIN_WEIGHT_SUM } from '../arch/operations';
import { sectionsOf, type Node, type Sizes } from '../arch/graph';
import { graphOf } from './graph-of';
import type { HParams } from './hparams';

/*
 * Parameters of another engine's graph (ggml's `op_params`) against the file's. Nothing is measured here: both sides say what they use, and the
 * comparison is exact.
 */

/** What a parameter is called, and in a sentence. */
export const GRAPH_PARAMETERS = {
  eps: 'RMSNorm eps',
  ropeDims: 'number of rotated dimensions',
  ropeMode: 'RoPE mode',
  ropeBase: 'RoPE base',
  ropeScale: 'RoPE frequency scale',
  attentionScale: 'attention scale',
  weightClamp: 'smallest sum of router weights',
  gluAlpha: 'SwiGLU steepness',
  gluLimit: 'SwiGLU limit',
} as const;

export type GraphParameterName = keyof typeof GRAPH_PARAMETERS;

/** A parameter of a node of another engine's graph, as f32 or a whole number. */
export interface GraphParameter {
  readonly name: GraphParameterName;
  readonly value: number;
  /** The node that has it: `norm-3`. */
  readonly node: string;
}

/** A parameter that the file does not have. */
export interface WrongParameter extends GraphParameter {
  /** What the file says: several where layers differ and the node's name tells none. */
  readonly wanted: readonly number[];
}

export function isGraphParameterName(name: string): name is GraphParameterName {
  return Object.hasOwn(GRAPH_PARAMETERS, name);
}

/** `GGML_ROPE_TYPE_NORMAL`, and by halves: `NEOX`. `MROPE` and `IMROPE` turn axes apart, whose positions are one in text: `NEOX` then. */
const ROPE_MODES = { norm: [0], neox: [2, 8, 40] } as const;

/** The parameters that are not the file's, each value once. */
export function wrongParameters(parameters: readonly GraphParameter[], hparams: HParams): readonly WrongParameter[] {
  const wrong = new Map<string, WrongParameter>();
  for (const parameter of parameters) {
    const { name, value, node } = parameter;
    const wanted = fileValues(name, layerOfNode(node), hparams);
    const key = `${name}=${value}`;
    // A parameter of an operation that the file's graph does not have is no wrong value of one.
    if (wanted.length > 0 && !wanted.includes(value) && !wrong.has(key)) wrong.set(key, { ...parameter, wanted });
  }
  return [...wrong.values()];
}

/** A sentence without its end. */
export function wrongParameterText({ name, value, node, wanted }: WrongParameter): string {
  return `${GRAPH_PARAMETERS[name]} is ${value} in ${node}; the file says ${wanted.join(' or ')}`;
}

/** What the file's graph has in a layer, or in any. */
function fileValues(name: GraphParameterName, layer: number | undefined, hparams: HParams): readonly number[] {
  const { graph } = graphOf(hparams);
  const own = layer === undefined ? undefined : graph.layers[layer];
  const nodes = own === undefined ? sectionsOf(graph).flatMap((section) => section.nodes) : own.nodes;
  return [...new Set(nodes.flatMap((node) => nodeValues(name, node, graph.sizes)))];
}

function nodeValues(name: GraphParameterName, node: Node, sizes: Sizes): readonly number[] {
  switch (node.op) {
    case 'rmsnorm':
      return name === 'eps' ? [Math.fround(node.attrs.eps)] : [];
    case 'l2norm':
      // Engines have it as RMSNorm over n channels: eps / n.
      return name === 'eps'
        ? [Math.fround(Math.fround(node.attrs.eps) / (sizes[node.out.axes.at(-1) ?? ''] ?? NaN))]
        : [];
    case 'rope':
      return ropeValues(name, node);
    case 'attention-scores':
      // 1.0f / sqrtf(n), or what the file says.
      return name === 'attentionScale' ? [scaleOf(node.attrs.divisor), Math.fround(1 / node.attrs.divisor)] : [];
    case 'normalise':
      return name === 'weightClamp' && node.attrs.divisor === 'sum' ? [MIN_WEIGHT_SUM] : [];
    case 'swiglu-clamped':
      return name === 'gluAlpha' ? [Math.fround(node.attrs.alpha)] : name === 'gluLimit' ? [node.attrs.limit] : [];
    default:
      return [];
  }
}

function ropeValues(name: GraphParameterName, { attrs }: Node<'rope'>): readonly number[] {
  switch (name) {
    case 'ropeDims':
      return [attrs.dims];
    case 'ropeMode':
      return ROPE_MODES[attrs.pairing];
    case 'ropeBase':
      return [Math.fround(attrs.theta)];
    case 'ropeScale':
      return [Math.fround(1 / (attrs.scaling?.factor ?? 1))];
    default:
      return [];
  }
}

/** The factor of scores as llama.cpp computes it: 1.0f / sqrtf(float(headDim)), the divisor being that root. */
export function scaleOf(divisor: number): number {
  return Math.fround(1 / Math.fround(divisor));
}

/** The layer that a node's name tells: `kq_soft_max-3`, `Qcur-3 (view)`. */
export function layerOfNode(node: string): number | undefined {
  const match = /-(\d{1,6})(?!\d)/.exec(node);
  return match === null ? undefined : Number(match[1]);
}
