import type { Contradict } from './keys';

/** Keys, values and queries have heads of one even size, and the kv heads are shared evenly. */
export function checkHeads(
  k: { readonly nHead: number; readonly nHeadKv: number; readonly headDim: number; readonly valueDim: number },
  contradict: Contradict,
): void {
  const { nHead, nHeadKv, headDim, valueDim } = k;
  if (valueDim !== headDim) {
    contradict(`Keys have ${headDim} channels and values ${valueDim}; they must be equal.`, 'valueDim', `${headDim}`);
  }
  if (headDim % 2 !== 0) contradict(`Head size ${headDim} is odd; rotary embedding needs pairs.`, 'headDim', 'even');
  if (nHead % nHeadKv !== 0) {
    contradict(`${nHead} heads cannot share ${nHeadKv} key-value heads evenly.`, 'nHeadKv', `a divisor of ${nHead}`);
  }
}

/** No more experts are used than there are. */
export function checkExperts(
  k: { readonly nExpert: number; readonly nExpertUsed: number },
  contradict: Contradict,
): void {
  if (k.nExpertUsed > k.nExpert) {
    contradict(`${k.nExpertUsed} experts a token out of ${k.nExpert}.`, 'nExpertUsed', `at most ${k.nExpert}`);
  }
}
