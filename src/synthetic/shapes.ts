/** The sizes of a model; names as in the hyperparameters. */
export interface ModelShape {
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nFfExp: number;
  readonly nVocab: number;
}

/** A shape with the constants that go with it. */
export interface NamedShape extends ModelShape {
  readonly name: string;
  readonly theta: number;
  readonly eps: number;
  readonly nCtxTrain: number;
}

const QWEN3_30B = {
  nLayer: 48,
  nEmbd: 2048,
  nHead: 32,
  nHeadKv: 4,
  headDim: 128,
  nExpert: 128,
  nExpertUsed: 8,
  nFfExp: 768,
  nVocab: 151_936,
  eps: 1e-6,
} as const;

/** The shapes that have a name: two released models, and two that run in seconds on a CPU. */
export const NAMED_SHAPES = [
  { name: 'qwen3-30b-a3b', ...QWEN3_30B, theta: 1e6, nCtxTrain: 40_960 },
  { name: 'qwen3-coder-30b-a3b', ...QWEN3_30B, theta: 1e7, nCtxTrain: 262_144 },
  {
    name: 'small',
    nLayer: 6,
    nEmbd: 512,
    nHead: 8,
    nHeadKv: 2,
    headDim: 128,
    nExpert: 32,
    nExpertUsed: 4,
    nFfExp: 256,
    nVocab: 8192,
    theta: 1e6,
    eps: 1e-6,
    nCtxTrain: 4096,
  },
  {
    name: 'tiny',
    nLayer: 2,
    nEmbd: 256,
    nHead: 4,
    nHeadKv: 2,
    headDim: 64,
    nExpert: 6,
    nExpertUsed: 3,
    nFfExp: 256,
    nVocab: 512,
    theta: 1e6,
    eps: 1e-6,
    nCtxTrain: 4096,
  },
] as const satisfies readonly NamedShape[];

export type ShapeName = (typeof NAMED_SHAPES)[number]['name'];

export const SHAPE_NAMES: readonly ShapeName[] = NAMED_SHAPES.map((shape) => shape.name);

/** The shape with this name. */
export function namedShape(name: ShapeName): NamedShape {
  const shape = NAMED_SHAPES.find((candidate) => candidate.name === name);
  if (shape === undefined) throw new RangeError(`no shape ${name}`);
  return shape;
}
