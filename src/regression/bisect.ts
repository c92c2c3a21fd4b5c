import { fail } from '../base/errors';
import type { Culprit, RunStatus } from '../divergence/report';

/** Additive changes keep the number. */
export const BISECT_SCHEMA = 'moescope-bisect/1';

/** What is said of one subject: a library or a dump. */
export interface JudgedSubject {
  readonly status: RunStatus;
  readonly sentence: string;
  readonly first?: Culprit | undefined;
}

export interface Subject extends Partial<JudgedSubject> {
  readonly name: string;
  /** `unknown`: it did not have to be tried. */
  readonly outcome: 'right' | 'wrong' | 'unknown';
}

export interface BisectResult {
  /** Oldest first, as they were given. */
  readonly subjects: readonly Subject[];
  readonly lastGood: string;
  readonly firstBad: string;
  /** What is wrong with it. */
  readonly first?: Culprit | undefined;
  readonly sentence: string;
}

/** What stands between a right one and a wrong one by halves. A model that nobody can hold in f32 is no engine's fault. */
const WRONG: ReadonlySet<RunStatus> = new Set<RunStatus>(['diverged', 'not-finite', 'suspicious']);

/**
 * Finds the first wrong one of a row that begins right and ends wrong, in as few tries as halving needs.
 * @param names oldest first, two at least
 * @throws TracerError `usage` where the first is not right, the last not wrong, or one cannot be judged; what `judge` throws
 */
export async function bisect(
  names: readonly string[],
  judge: (name: string) => Promise<JudgedSubject>,
): Promise<BisectResult> {
  const tried = new Map<number, Subject>();
  const isWrong = async (at: number): Promise<boolean> => {
    const name = names[at] ?? '';
    const judged = await judge(name);
    if (judged.status === 'incomplete')
      throw fail('usage', `${name} cannot be judged: ${judged.sentence}`, 'Leave it out, or capture more of it.', {
        name,
      });
    const wrong = WRONG.has(judged.status);
    tried.set(at, { name, outcome: wrong ? 'wrong' : 'right', ...judged });
    return wrong;
  };
  let good = 0;
  let bad = names.length - 1;
  if (await isWrong(good))
    throw fail('usage', `--good is wrong itself: ${sentenceAt(tried, good)}`, 'Name one that is right.', {
      name: names[good] ?? '',
    });
  if (!(await isWrong(bad)))
    throw fail(
      'usage',
      `--bad is right: ${sentenceAt(tried, bad)}`,
      'Name one that is wrong, or give the prompt that shows it.',
      {
        name: names[bad] ?? '',
      },
    );
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await isWrong(middle)) bad = middle;
    else good = middle;
  }
  const [lastGood = '', firstBad = ''] = [names[good], names[bad]];
  const count = `${tried.size} of ${names.length} tried`;
  return {
    subjects: names.map((name, at) => tried.get(at) ?? { name, outcome: 'unknown' }),
    ...{ lastGood, firstBad, first: tried.get(bad)?.first },
    sentence: `FIRST WRONG: ${firstBad} (${lastGood} before it is right; ${count}): ${sentenceAt(tried, bad)}`,
  };
}

function sentenceAt(tried: ReadonlyMap<number, Subject>, at: number): string {
  return tried.get(at)?.sentence ?? '';
}
