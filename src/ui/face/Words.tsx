import type { ReactElement } from 'react';
import type { Word } from '../../plots/finding';
import type { HumanNumber } from '../../plots/map/human-number';

/** Words of a finding, each with its look. */
export function Words({ words }: { readonly words: readonly Word[] }): ReactElement {
  return (
    <>
      {words.map((word, i) => {
        if (typeof word === 'string') return word;
        if ('number' in word) {
          return (
            <b key={i} className={word.look}>
              <Human value={word.number} />
            </b>
          );
        }
        if (word.look === 'code') return <code key={i}>{word.text}</code>;
        return (
          <b key={i} className={word.look}>
            {word.text}
          </b>
        );
      })}
    </>
  );
}

/** A number with its raised exponent. */
export function Human({ value: { text, exponent } }: { readonly value: HumanNumber }): ReactElement {
  return (
    <>
      {text}
      {exponent === undefined ? null : <sup>{exponent}</sup>}
    </>
  );
}
