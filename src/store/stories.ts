/** The recorded runs of the first visit: real runs of the sample model, made by `npm run record-sample`. */
export const STORIES = [
  { id: 'healthy', title: 'Healthy', hint: 'every tensor inside its bound', inject: [] },
  {
    id: 'qtype',
    title: 'A kernel reads Q6_K as Q4_K',
    hint: 'NaN from layer 2 to the last logit',
    inject: ['qtype-blind@layer=2'],
  },
  { id: 'bitflip', title: 'One bit flipped', hint: 'one weight; end to end looks fine', inject: ['bitflip@layer=2'] },
] as const satisfies readonly {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
  /** The defect that it has, as `--inject` takes it. */
  readonly inject: readonly string[];
}[];
export type StoryId = (typeof STORIES)[number]['id'];

/** What the recorded runs were asked. */
export const STORY_PROMPT = 'The cat sat on the mat.';

export function storyOf(id: StoryId): (typeof STORIES)[number] {
  return STORIES.find((story) => story.id === id) ?? STORIES[0];
}
