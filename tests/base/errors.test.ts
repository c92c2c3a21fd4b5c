import { readFile, rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../src/base/errors';

const reasonOfFailed = (work: Promise<unknown>): Promise<string> => work.then(() => 'nothing failed', reasonOf);

describe('the reason of an error', () => {
  it('is the file system’s words without code, call and path', async () => {
    expect(await reasonOfFailed(readFile('no, such/file'))).toBe('no such file or directory');
    expect(await reasonOfFailed(readFile('.'))).toBe('illegal operation on a directory');
    expect(await reasonOfFailed(rename('nowhere', 'else'))).toBe('no such file or directory');
  });

  it('is the whole message of any other error, and a thrown value as it is', () => {
    expect(reasonOf(new Error('EARLY: the file ends, and so on'))).toBe('EARLY: the file ends, and so on');
    expect(reasonOf(Object.assign(new Error('incorrect header, check'), { code: 'Z_DATA_ERROR' }))).toBe(
      'incorrect header, check',
    );
    expect(reasonOf('gone')).toBe('gone');
  });
});
