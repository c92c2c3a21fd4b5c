import type { HParams } from '../model/hparams';
import { formatError, shown } from './format-error';
import { elements, flag, index, member, number, optionalText, text, textRecord, type Field } from './json-fields';
import { readParameters } from './read-parameters';
import { TRACE_MODES, type Provenance } from './trace';

/** No model has more: a graph is made of as many. */
const MOST_LAYERS = 4096;

/** Reads a provenance. @throws TracerError `trace-format`. */
export function readProvenance(field: Field): Provenance {
  const modeField = member(field, 'mode');
  const mode = TRACE_MODES.find((m) => m === modeField.value);
  if (mode === undefined) throw formatError(modeField.place, TRACE_MODES.join(' or '), shown(modeField.value));
  const modelName = optionalText(member(field, 'modelName'));
  const headerSha256 = optionalText(member(field, 'headerSha256'));
  const adapter = optionalText(member(field, 'adapter'));
  const toolVersion = optionalText(member(field, 'toolVersion'));
  const tokens = member(field, 'tokens');
  const hparams = member(field, 'hparams');
  const weightTypes = member(field, 'weightTypes');
  const inject = member(field, 'inject');
  const hints = member(field, 'hints');
  const parameters = member(field, 'parameters');
  return {
    arm: text(member(field, 'arm')),
    mode,
    ...(modelName === undefined ? {} : { modelName }),
    ...(headerSha256 === undefined ? {} : { headerSha256 }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(toolVersion === undefined ? {} : { toolVersion }),
    ...(tokens.value === undefined ? {} : { tokens: elements(tokens).map((token) => index(token)) }),
    ...(hparams.value === undefined ? {} : { hparams: readHParams(hparams) }),
    ...(weightTypes.value === undefined ? {} : { weightTypes: textRecord(weightTypes) }),
    ...(inject.value === undefined ? {} : { inject: elements(inject).map(text) }),
    ...(member(field, 'routing').value === 'reference' ? { routing: 'reference' } : {}),
    ...(member(field, 'sumOrder').value === 'chunked' ? { sumOrder: 'chunked' } : {}),
    ...(parameters.value === undefined ? {} : { parameters: readParameters(parameters) }),
    ...(hints.value === undefined ? {} : { hints: textRecord(hints) }),
  };
}

function readHParams(field: Field): HParams {
  const size = (name: string): number => index(member(field, name));
  // Those of its own that an architecture has beside them.
  const others = Object.entries(Object(field.value)).filter(([, value]) => typeof value === 'number');
  return {
    ...Object.fromEntries(others),
    arch: text(member(field, 'arch')),
    nLayer: index(member(field, 'nLayer'), MOST_LAYERS),
    nEmbd: size('nEmbd'),
    nHead: size('nHead'),
    nHeadKv: size('nHeadKv'),
    headDim: size('headDim'),
    nExpert: size('nExpert'),
    nExpertUsed: size('nExpertUsed'),
    nFfExp: size('nFfExp'),
    nVocab: size('nVocab'),
    nCtxTrain: size('nCtxTrain'),
    rmsEps: number(member(field, 'rmsEps')),
    ropeTheta: number(member(field, 'ropeTheta')),
    qDim: size('qDim'),
    kvDim: size('kvDim'),
    tiedEmbeddings: flag(member(field, 'tiedEmbeddings')),
  };
}
