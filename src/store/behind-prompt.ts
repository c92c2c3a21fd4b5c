import { attempt, fail } from '../base/errors';
import { modesOf } from '../divergence/run-mode';
import { sidesOfRun } from '../model/engines';
import type { RunSpec } from '../session/events';
import type { RunOptions } from './state';

type Asked = Pick<RunOptions, 'engines' | 'mode' | 'decode' | 'thorough'>;

/** What a run is asked beyond its prompt. What cannot be asked is said at its field, and not asked. */
export function behindPrompt(options: Asked): Pick<RunSpec, 'decode' | 'decoder' | 'thorough'> {
  const { value: count = 0 } = attempt(() => readDecode(options));
  if (options.thorough && judgesDecoded(options)) return { thorough: true, ...(count === 0 ? {} : { decode: count }) };
  // On a software adapter the fast decoder takes half a minute to compile, and nobody decodes with it there.
  return count === 0 ? {} : { decode: count, decoder: 'auto' };
}

/** @returns tokens to judge behind the prompt @throws TracerError `usage`: no number, or a run that cannot judge them */
export function readDecode(options: Asked): number {
  const text = options.decode.trim();
  if (text !== '' && !/^\d{1,6}$/.test(text))
    throw fail('usage', `${text} is no number of tokens.`, 'Give a whole number, or leave the field empty.', { text });
  const count = Number(text);
  if ((count > 0 || options.thorough) && !judgesDecoded(options)) {
    throw fail(
      'usage',
      'What runs behind a prompt is judged by its own inputs, on the GPU against an exact reference.',
      'Choose the GPU as candidate, the exact reference, and local among what it is judged by.',
    );
  }
  return count;
}

function judgesDecoded({ engines, mode }: Asked): boolean {
  const { candidate, reference } = sidesOfRun(engines);
  return candidate === 'gpu' && (reference === 'cpu' || reference === 'exact-gpu') && modesOf(mode).has('local');
}
