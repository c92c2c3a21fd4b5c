export type StoryId = 'healthy' | 'qtype' | 'bitflip' | 'llama';

export interface Story {
  readonly id: StoryId;
  readonly title: string;
  readonly hint: string;
  /** The defect that it has, as `--inject` takes it. */
  readonly inject: readonly string[];
  /** A llama.cpp reads a file in which these experts of a tensor have changed places; the reference reads the sample as it is. */
  readonly exchanged?: { readonly tensor: string; readonly experts: readonly [number, number] };
}

/** The recorded runs of the first visit: real runs of the sample model, made by `npm run record-sample`. */
export const STORIES: readonly Story[] = [
  { id: 'healthy', title: 'Healthy', hint: 'every tensor in bounds', inject: [] },
  {
    id: 'qtype',
    title: 'Q6_K read as Q4_K',
    hint: 'NaN to the last logit',
    inject: ['qtype-blind@layer=2'],
  },
  { id: 'bitflip', title: 'One bit flipped', hint: 'end to end looks fine', inject: ['bitflip@layer=2'] },
  {
    id: 'llama',
    title: 'A real llama.cpp',
    hint: 'two experts exchanged',
    inject: [],
    exchanged: { tensor: 'blk.3.ffn_down_exps.weight', experts: [3, 6] },
  },
];

/** What the recorded runs were asked. */
export const STORY_PROMPT = 'The cat sat on the mat.';
