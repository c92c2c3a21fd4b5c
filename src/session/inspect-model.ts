import { attempt, type ErrorData } from '../base/errors';
import type { ModelCard } from '../divergence/report';
import type { GgufValue, ModelFile } from '../gguf/model-file';
import type { ScanReport } from '../gguf/scan/scan-report';
import { readHParams } from '../model/read-hparams';
import { checkWeights } from '../model/bound-weights';
import { createTokenizer } from '../tokenizer/tokenizer';
import { fileFacts } from './model-card';
import { weightTable, type WeightLine } from './weight-table';

/** Everything that a file's header says, of a model that runs or not. */
export interface Inspection extends Omit<ModelCard, 'hparams'> {
  /** Absent where the sizes cannot be read: an architecture that does not run, keys that are missing. */
  readonly hparams?: ModelCard['hparams'];
  /** What stands in the way of running it. Empty where nothing does. */
  readonly obstacles: readonly ErrorData[];
  /** Why text cannot be tokenised; token ids still run. */
  readonly tokenizer?: ErrorData;
  /** Keys and values as the file has them, in its order; of a long array its length. */
  readonly metadata: Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[]>>;
  /** Tensors that differ by layer only, as one. */
  readonly weights: readonly WeightLine[];
  /** What reading every block found, where that was asked for. */
  readonly scan?: ScanReport;
}

/** Elements of an array that are shown one by one. */
const LONGEST_ARRAY = 16;

/**
 * Reads all that can be read of a file's header, whatever else is wrong with it.
 * @param problems of opening it
 */
export function inspectModel(model: ModelFile, problems: readonly ErrorData[]): Inspection {
  const sizes = attempt(() => readHParams(model));
  const checked = attempt(() => (sizes.value === undefined ? undefined : checkWeights(model, sizes.value)));
  const tokenizer = attempt(() => createTokenizer(model.metadata));
  const arch = model.metadata.get('general.architecture');
  const facts = fileFacts(model, typeof arch === 'string' ? arch : '(none)', checked.value);
  return {
    ...facts,
    ...(sizes.value === undefined ? {} : { hparams: sizes.value }),
    obstacles: [...problems, sizes.error, checked.error].filter((error) => error !== undefined),
    ...(tokenizer.error === undefined ? {} : { tokenizer: tokenizer.error }),
    metadata: Object.fromEntries([...model.metadata].map(([key, value]) => [key, plainValue(value)])),
    weights: weightTable(model),
  };
}

function plainValue(value: GgufValue): Inspection['metadata'][string] {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return value;
  if (value.length > LONGEST_ARRAY) return `(array of ${value.length})`;
  return [...value].map((one) =>
    typeof one === 'object' ? `(array of ${one.length})` : typeof one === 'bigint' ? String(one) : one,
  );
}
