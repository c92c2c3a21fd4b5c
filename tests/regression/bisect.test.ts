import { expect, test } from 'vitest';
import { bisect, type JudgedSubject } from '../../src/regression/bisect';
import { bisectToJunit } from '../../src/regression/junit';

const RIGHT: JudgedSubject = { status: 'match', sentence: 'MATCH: all of it' };
const WRONG: JudgedSubject = { status: 'diverged', sentence: 'DIVERGED: at layer 1' };

/** A judge of subjects that are wrong from `first` on, and what it was asked. */
function judgeFrom(first: number) {
  const asked: string[] = [];
  const judge = (name: string): Promise<JudgedSubject> => {
    asked.push(name);
    return Promise.resolve(Number(name.slice(1)) < first ? RIGHT : WRONG);
  };
  return { asked, judge };
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `b${i}`);

test('finds the first wrong one wherever it is, and tries no more than halving needs', async () => {
  for (const count of [2, 3, 7, 16]) {
    for (let first = 1; first < count; first++) {
      const { asked, judge } = judgeFrom(first);
      const found = await bisect(names(count), judge);
      expect(found).toMatchObject({ lastGood: `b${first - 1}`, firstBad: `b${first}` });
      expect(new Set(asked).size).toBe(asked.length);
      expect(asked.length).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(count - 1)));
    }
  }
});

test('says what was tried, in words, as rows and as JUnit', async () => {
  const found = await bisect(names(5), judgeFrom(4).judge);
  expect(found.sentence).toBe('FIRST WRONG: b4 (b3 before it is right; 4 of 5 tried): DIVERGED: at layer 1');
  expect(found.subjects.map(({ outcome }) => outcome)).toEqual(['right', 'unknown', 'right', 'right', 'wrong']);
  expect(bisectToJunit(found)).toContain('tests="5" failures="1" skipped="1"');
});

test('a good one that is wrong, a bad one that is right and one that nobody can judge are told', async () => {
  await expect(bisect(names(3), judgeFrom(0).judge)).rejects.toThrow('--good is wrong itself: DIVERGED');
  await expect(bisect(names(3), judgeFrom(9).judge)).rejects.toThrow('--bad is right: MATCH');
  const half = (): Promise<JudgedSubject> =>
    Promise.resolve({ status: 'incomplete', sentence: 'INCOMPLETE: no inputs' });
  await expect(bisect(names(3), half)).rejects.toThrow('b0 cannot be judged: INCOMPLETE');
});
