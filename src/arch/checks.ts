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

/** Gated delta nets: keys and values have heads of one size, and the heads of keys are shared evenly. */
export function checkDeltaHeads(
  k: { readonly nHeadK: number; readonly nHeadV: number; readonly dState: number; readonly dInner: number },
  contradict: Contradict,
): void {
  const { nHeadK, nHeadV, dState, dInner } = k;
  if (nHeadV * dState !== dInner) {
    contradict(`${nHeadV} heads of ${dState} channels are not ${dInner} channels.`, 'dInner', `${nHeadV * dState}`);
  }
  if (nHeadV % nHeadK !== 0) {
    contradict(
      `${nHeadV} heads of values cannot share ${nHeadK} heads of keys evenly.`,
      'nHeadK',
      `a divisor of ${nHeadV}`,
    );
  }
}

/** Channels turn in pairs. @param rotated `all` where a head may have no others */
export function checkRotation(
  k: { readonly nRot: number; readonly headDim: number },
  contradict: Contradict,
  rotated: 'all' | 'some',
): void {
  const { nRot, headDim } = k;
  if (nRot % 2 === 0 && nRot <= headDim && (rotated === 'some' || nRot === headDim)) return;
  const expected = rotated === 'all' ? `${headDim}` : `an even number up to ${headDim}`;
  contradict(`${nRot} of the ${headDim} channels of a head are to turn.`, 'nRot', expected);
}

/** No more experts are used than there are, and each has a hidden layer. */
export function checkExperts(
  k: { readonly nExpert: number; readonly nExpertUsed: number; readonly nFfExp: number },
  contradict: Contradict,
): void {
  const { nExpert, nExpertUsed, nFfExp } = k;
  if (nExpertUsed > nExpert || nExpertUsed < 1) {
    contradict(`${nExpertUsed} experts a token out of ${nExpert}.`, 'nExpertUsed', `at most ${nExpert}`);
  }
  if (!Number.isInteger(nFfExp) || nFfExp < 1) {
    contradict(`The hidden size of an expert is ${nFfExp}.`, 'nFfExp', 'a whole number');
  }
}

/** Multi-head latent attention: all heads read one key of a latent vector and of channels that turn, and one value, that vector. */
export function checkLatentHeads(
  k: Readonly<Record<'nHeadKv' | 'headDim' | 'valueDim' | 'keyDim' | 'outDim' | 'kvRank' | 'nRot', number>>,
  contradict: Contradict,
): void {
  const { nHeadKv, headDim, valueDim, keyDim, outDim, kvRank, nRot } = k;
  if (keyDim < 1 || outDim < 1) {
    contradict('Keys and values of latent attention have no sizes: older files keep them whole.', 'keyDim', 'a size');
  }
  if (nHeadKv !== 1) contradict(`Latent attention has ${nHeadKv} key-value heads.`, 'nHeadKv', '1');
  if (headDim !== kvRank + nRot) {
    contradict(`A key of ${headDim} channels is not ${kvRank} and ${nRot}.`, 'headDim', `${kvRank + nRot}`);
  }
  if (valueDim !== kvRank) contradict(`A value has ${valueDim} channels of ${kvRank}.`, 'valueDim', `${kvRank}`);
  if (nRot % 2 !== 0 || nRot >= keyDim) {
    contradict(`${nRot} of the ${keyDim} channels of a head are to turn.`, 'nRot', `an even number below ${keyDim}`);
  }
}

/** Experts in equal groups, of which some are enough for those that are used. */
export function checkGroups(
  k: Readonly<Record<'nExpert' | 'nExpertUsed' | 'nGroup' | 'nGroupUsed', number>>,
  contradict: Contradict,
): void {
  const { nExpert, nExpertUsed, nGroup, nGroupUsed } = k;
  if (nGroup === 1) return;
  const size = nExpert / nGroup;
  // A group is ranked by its two best.
  if (!Number.isInteger(size) || size < 2) {
    contradict(
      `${nExpert} experts are not ${nGroup} equal groups of two or more.`,
      'nGroup',
      `a divisor of ${nExpert}`,
    );
  }
  if (nGroupUsed > nGroup || nGroupUsed * size < nExpertUsed) {
    const expected = `${Math.ceil(nExpertUsed / size)} to ${nGroup}`;
    contradict(`${nExpertUsed} experts of ${nGroupUsed} groups of ${size}.`, 'nGroupUsed', expected);
  }
}
