import type { CompareMode } from '../../divergence/report';

/** The two ways of running, as the figures offer them. */
export const RUN_WAYS: readonly { readonly id: CompareMode; readonly title: string }[] = [
  { id: 'free', title: 'free-running' },
  { id: 'isolated', title: 'isolated' },
];
