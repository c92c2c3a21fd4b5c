import type { Dim } from '../model/stages';

/** What an axis of a tensor is called when one place on it is named; the others are channels. */
const AXES: Readonly<Record<Dim, string>> = {
  nTokens: 'token',
  nKeys: 'key',
  nHead: 'head',
  nHeadKv: 'head',
  nExpert: 'expert',
  nExpertUsed: 'slot',
  nVocab: 'token id',
};

/** What an axis is called. */
export function axisWord(dim: Dim): string {
  return AXES[dim] ?? 'channel';
}
