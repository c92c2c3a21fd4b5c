import { rangesText } from '../base/format';
import type { ModelFile } from '../gguf/model-file';

/** Tensors that differ by layer only, as one line: `blk.*.ffn_down_exps.weight`. */
export interface WeightLine {
  readonly name: string;
  /** Of the first of them, ggml's order; where a layer's differs, it is another line. */
  readonly dims: readonly number[];
  readonly count: number;
  readonly bytes: number;
  /** Quantisation types, most tensors first, with the layers that have them (empty: no layer). */
  readonly types: readonly { readonly type: string; readonly layers: readonly number[] }[];
}

const LAYER = /^blk\.(\d+)\./;

/** Every tensor of a file, in file order, layers folded: types that change between layers show. */
export function weightTable(model: Pick<ModelFile, 'tensors'>): readonly WeightLine[] {
  const lines = new Map<string, { line: WeightLine; types: Map<string, number[]> }>();
  for (const [name, { dims, bytes, type }] of model.tensors) {
    const layer = LAYER.exec(name)?.[1];
    const pattern = name.replace(LAYER, 'blk.*.');
    const key = `${pattern} ${dims.join('x')}`;
    const known = lines.get(key) ?? {
      line: { name: pattern, dims, count: 0, bytes: 0, types: [] },
      types: new Map<string, number[]>(),
    };
    const layers = known.types.get(type) ?? [];
    if (layer !== undefined) layers.push(Number(layer));
    known.types.set(type, layers);
    const { line } = known;
    lines.set(key, { ...known, line: { ...line, count: line.count + 1, bytes: line.bytes + bytes } });
  }
  return [...lines.values()].map(({ line, types }) => ({
    ...line,
    types: [...types]
      .map(([type, layers]) => ({ type, layers: [...layers].sort((a, b) => a - b) }))
      .sort((a, b) => b.layers.length - a.layers.length),
  }));
}

/** `Q4_K`, or `Q4_K in 2–5; Q6_K in 0–1`. */
export function typesText({ types }: WeightLine): string {
  const [only, second] = types;
  if (only !== undefined && second === undefined) return only.type;
  return types.map(({ type, layers }) => `${type} in ${rangesText(layers)}`).join('; ');
}
