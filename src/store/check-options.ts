import { fail, toErrorData, type ErrorData } from '../base/errors';
import type { ModelCard } from '../divergence/report';
import { parseFault } from '../model/parse-fault';
import { parseRange, parseStages } from '../model/plan';
import { readDecode } from './behind-prompt';
import type { AppState, RunOptions } from './state';

/** The fields of the run options that can be wrong as typed. */
export type CheckedField = 'stages' | 'layers' | 'positions' | 'decode' | 'inject';

/** What is wrong with the options as typed, by field: said there, and before anything runs. */
export function checkOptions(
  options: RunOptions,
  model: ModelCard | undefined,
  nTokens: number,
): Partial<Record<CheckedField, ErrorData>> {
  const found: Partial<Record<CheckedField, ErrorData>> = {};
  const check = (field: CheckedField, read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      found[field] = toErrorData(error);
    }
  };
  const nLayer = model?.hparams.nLayer;
  check('stages', () => parseStages(options.stages));
  if (nLayer !== undefined) check('layers', () => parseRange(options.layers, nLayer, 'layers'));
  if (nTokens > 0) check('positions', () => parseRange(options.positions, nTokens, 'positions'));
  check('decode', () => readDecode(options));
  check('inject', () => {
    for (const spec of options.inject) {
      const { layer } = parseFault(spec);
      if (nLayer !== undefined && layer >= nLayer) {
        throw fail('fault-spec', `${spec}: the model has no layer ${layer}.`, `Layers are 0 to ${nLayer - 1}.`, {
          layer,
          nLayer,
        });
      }
    }
  });
  return found;
}

const known = new WeakMap<RunOptions, { readonly key: string; readonly found: ReturnType<typeof checkOptions> }>();

/** The same of the page's fields. */
export function selectOptionErrors(state: AppState): Partial<Record<CheckedField, ErrorData>> {
  const { options, opened, recorded, prompt } = state;
  const model = opened?.card ?? recorded?.model;
  const nTokens = prompt.pending ? 0 : prompt.ids.length;
  const key = `${model?.hparams.nLayer ?? ''} ${nTokens}`;
  const before = known.get(options);
  if (before?.key === key) return before.found;
  const found = checkOptions(options, model, nTokens);
  known.set(options, { key, found });
  return found;
}
