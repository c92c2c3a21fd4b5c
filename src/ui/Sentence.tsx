import { Fragment, type ReactElement } from 'react';
import type { Report } from '../divergence/report';
import { sentenceParts } from '../plots/select-explain';

/** A place in a sentence, which no line break cuts in two. */
const PLACE = /(\b(?:layer|token|expert) \d+)/;

/** The verdict's sentence with its status word, names and evidence set apart. The text stays what it is. */
export function Sentence({ text }: { readonly text: string }): ReactElement {
  return (
    <>
      {sentenceParts(text).map((part, i) =>
        part.role === 'plain' ? (
          <Fragment key={i}>
            {part.text.split(PLACE).map((piece, j) =>
              j % 2 === 0 ? (
                piece
              ) : (
                <span key={j} className="together">
                  {piece}
                </span>
              ),
            )}
          </Fragment>
        ) : (
          <span key={i} className={part.role}>
            {part.text}
          </span>
        ),
      )}
    </>
  );
}

/** The class that colours a verdict's sentence. */
export function sentenceLook(status: Report['verdict']['status']): string {
  return status === 'match' ? 'good' : status === 'incomplete' ? '' : 'wrong';
}
