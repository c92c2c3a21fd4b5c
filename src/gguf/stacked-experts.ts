import { isQuantType } from '../types/types';
import type { TensorInfo } from './model-file';

/**
 * The experts' matrices of a layer as one tensor where the file holds them one by one, as files from before 2024 do: for
 * `blk.3.ffn_gate_exps.weight` the tensors `blk.3.ffn_gate.0.weight`, `blk.3.ffn_gate.1.weight` ... of one shape.
 * Undefined where there are none, or where their shapes differ. Where their types differ it is F32: what is read of it is dequantised.
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
  if (stacked.some((one) => one.dims.join() !== first.dims.join())) return undefined;
  const isMixed = stacked.some((one) => one.type !== first.type) && stacked.every((one) => isQuantType(one.type));
  if (!isMixed && stacked.some((one) => one.type !== first.type)) return undefined;
  const own = isMixed ? { type: 'F32', bytes: 4 * first.elements } : { type: first.type, bytes: first.bytes };
  return {
    ...first,
    name,
    dims: [...first.dims, stacked.length],
    elements: first.elements * stacked.length,
    type: own.type,
    bytes: own.bytes * stacked.length,
    stacked,
  };
}
