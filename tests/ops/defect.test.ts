import { describe, expect, it } from 'vitest';
import { editedText, editsFit } from '../../src/ops/defect';

describe('editedText', () => {
  it('makes every edit, in order', () => {
    expect(
      editedText('a + b', [
        ['a', 'x'],
        ['x + b', 'y'],
      ]),
    ).toBe('y');
  });

  it.each([
    ['c', 0],
    ['a', 2],
  ])('refuses %j, which occurs %i times', (from) => {
    expect(() => editedText('a + a', [[from, 'x']])).toThrow(RangeError);
    expect(editsFit('a + a', [[from, 'x']])).toBe(false);
  });

  it('puts what an edit asks behind the text, so that lines keep their numbers', () => {
    const text = editedText('let a = 1;', [['1', 'select(1, 2, struck(token))']]);
    expect(text).toMatch(/^let a = select/);
    expect(text).toContain('fn struck(token: u32) -> bool');
    expect(editedText('let a = 1;', [['1', '2']])).toBe('let a = 2;');
  });
});
