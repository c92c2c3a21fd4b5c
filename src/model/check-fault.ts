import { NON_FINITE } from '../types/lib/float-field';
import { isQuantType, typeOf as weightType } from '../types/types';
import { faultStages, faultTensors, type Fault } from './faults';
import type { HParams } from './hparams';
import { badSpec, faultText } from './parse-fault';
import { weightName } from './weights';

/** What a fault is checked against. */
export interface FaultTarget {
  readonly hparams: HParams;
  readonly nTokens: number;
  /** ggml type of a tensor by GGUF name. */
  typeOf(tensor: string): string | undefined;
}

/** Checks that the model and the prompt have what a fault names. @throws TracerError `fault-spec`. */
export function checkFault(fault: Fault, { hparams, nTokens, typeOf }: FaultTarget): void {
  const text = faultText(fault);
  const within = (name: string, value: number | undefined, end: number): void => {
    if (value === undefined || value < end) return;
    throw badSpec(text, `there are ${end} ${name}, numbered from 0`);
  };
  within('layers', fault.layer, hparams.nLayer);
  within('experts', fault.expert, hparams.nExpert);
  within('positions', fault.position, nTokens);
  if (faultStages(fault, hparams).length === 0) {
    throw badSpec(text, `layer ${fault.layer} of this model has nothing that ${fault.tensor ?? fault.kind} names`);
  }
  for (const role of faultTensors(fault)) {
    const tensor = weightName(role, fault.layer, hparams);
    const type = typeOf(tensor);
    const known = type !== undefined && isQuantType(type) ? weightType(type) : undefined;
    if ((fault.kind === 'nan' || fault.kind === 'inf') && known !== undefined) {
      if (NON_FINITE[known.floats[0].format][fault.kind] === undefined) {
        throw badSpec(text, `${tensor} is ${known.name}, which holds no ${fault.kind === 'nan' ? 'NaN' : 'infinity'}`);
      }
    }
    if (
      fault.kind === 'scale-bitflip' &&
      (known === undefined || known.blockSize === 1 || known.floats[0].format !== 'f16')
    ) {
      throw badSpec(text, `${tensor} is ${type ?? 'missing'}, which has no block scale with a mantissa`);
    }
  }
}
