import { fail } from '../base/errors';

/**
 * Reads token ids as people paste them: separated by commas, blanks or line breaks, brackets allowed.
 * @throws TracerError `prompt-token` (not a whole number), `prompt-empty`
 */
export function parseTokenIds(text: string): readonly number[] {
  const words = text.split(/[\s,[\]]+/).filter((word) => word !== '');
  if (words.length === 0) {
    throw fail('prompt-empty', 'There are no token ids.', 'Type ids separated by commas, for example 9707, 11, 1879.');
  }
  return words.map((word, i) => {
    const id = Number(word);
    if (!/^\d+$/.test(word) || !Number.isSafeInteger(id)) {
      throw fail(
        'prompt-token',
        `"${word}" is not a token id.`,
        'Token ids are whole numbers from 0, separated by commas.',
        { expected: 'a whole number', actual: word, place: i },
      );
    }
    return id;
  });
}
