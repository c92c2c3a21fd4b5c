import type { TensorInfo } from './model-file';

/**
 * The experts' matrices of a layer as one tensor where the file holds them one by one, as files from before 2024 do: for
 * `blk.3.ffn_gate_exps.weight` the tensors `blk.3.ffn_gate.0.weight`, `blk.3.ffn_gate.1.weight` ... of one shape and type.
 * Undefined where there are none, or where they differ.
 */
export function stackedExperts(name: string, tensors: ReadonlyMap<string, TensorInfo>): TensorInfo | undefined {
  const [, before] = /^(.*)_exps\.weight$/.exec(name) ?? [];
  if (before === undefined) return undefined;
  const stacked: TensorInfo[] = [];
  for (;;) {
    const next = tensors.get(`${before}.${stacked.length}.weight`);
    if (next === undefined) break;
    stacked.push(next);
  }
  const [first] = stacked;
  if (first?.dims.length !== 2) return undefined;
  const isLikeFirst = (one: TensorInfo): boolean => one.type === first.type && one.dims.join() === first.dims.join();
  if (!stacked.every(isLikeFirst)) return undefined;
  return {
    ...first,
    name,
    dims: [...first.dims, stacked.length],
    elements: first.elements * stacked.length,
    bytes: first.bytes * stacked.length,
    stacked,
  };
}
