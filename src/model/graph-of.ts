import { ARCHITECTURES } from '../arch/architectures';
import type { ModelGraph } from '../arch/graph';
import type { HParams } from './hparams';

/** The forward pass of a model of these sizes, and what its architecture is called. @throws RangeError where there is no such architecture */
export function graphOf(hparams: HParams): { readonly graph: ModelGraph; readonly title: string } {
  const arch = ARCHITECTURES.find(({ name }) => name === hparams.arch);
  if (arch === undefined) throw new RangeError(`no architecture ${hparams.arch}`);
  const numbers = Object.entries(hparams).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return { graph: arch.graph(Object.fromEntries(numbers)), title: arch.title };
}
