import { SHAPE_ARCHS, SHAPE_NAMES, type ShapeName } from '../../synthetic/shapes';
import { TYPE_NAMES, type TypeName } from '../../synthetic/type-mix';
import {
  badValue,
  parseChoice,
  parseWhole,
  type DefaultedOption,
  type Flag,
  type Option,
} from '../command-line/option';

/** The options of `make-model`. */
export const ARCH: Option<string> = {
  name: 'arch',
  placeholder: 'NAME',
  help: `architecture, at the shape of a released model where --shape names none: ${SHAPE_ARCHS.join(', ')}`,
  parse: parseChoice(SHAPE_ARCHS),
};
export const SHAPE: Option<ShapeName> = {
  name: 'shape',
  placeholder: 'NAME',
  help: `sizes to start from: ${SHAPE_NAMES.join(', ')}; tiny where neither it nor --arch is given`,
  parse: parseChoice(SHAPE_NAMES),
};
export const TYPE: DefaultedOption<TypeName> = {
  name: 'type',
  placeholder: 'TYPE',
  help: `a mix of llama.cpp's, or one type for every matrix: ${TYPE_NAMES.map((name) => name.toLowerCase()).join(', ')}`,
  parse: parseTypeName,
  suggests: TYPE_NAMES.map((name) => name.toLowerCase()),
  byDefault: 'q4_k_m',
};
export const SEED: DefaultedOption<number> = {
  name: 'seed',
  placeholder: 'N',
  help: 'the same seed gives the same bytes',
  parse: parseWhole(0),
  byDefault: '1',
};
export const SPLIT: DefaultedOption<number> = {
  name: 'split',
  placeholder: 'N',
  help: 'write N parts, OUT-00001-of-0000N.gguf and so on',
  parse: parseWhole(1),
  byDefault: '1',
};
export const FORCE: Flag = { name: 'force', help: 'replace files that are there' };
export const TIED: Flag = { name: 'tied', help: 'no output.weight: the token embedding is the head' };

export const N_LAYER = size('layers', 'layers');
export const N_EXPERT = size('experts', 'experts a layer');
export const N_EXPERT_USED = size('experts-used', 'experts a token');
export const N_EMBD = size('embd', 'channels of the residual stream');
export const N_HEAD = size('heads', 'query heads');
export const N_HEAD_KV = size('kv-heads', 'key-value heads');
export const HEAD_DIM = size('head-dim', 'channels of a head');
export const N_FF_EXP = size('ff', 'hidden channels of an expert');
export const N_VOCAB = size('vocab', 'tokens');
export const THETA = constant('theta', 'base of the rotary embedding');
export const EPS = constant('eps', 'epsilon of the norms');

function size(name: string, what: string): Option<number> {
  return { name, placeholder: 'N', help: `${what}, instead of the shape's`, parse: parseWhole(1) };
}

function constant(name: string, what: string): Option<number> {
  return { name, placeholder: 'X', help: `${what}, instead of the shape's`, parse: parsePositive };
}

function parsePositive(raw: string, flag: string): number {
  const value = Number(raw);
  if (!(Math.fround(value) > 0) || !Number.isFinite(Math.fround(value))) {
    throw badValue(flag, raw, 'a positive number, for example 1e6');
  }
  return value;
}

function parseTypeName(raw: string, flag: string): TypeName {
  const name = TYPE_NAMES.find((candidate) => candidate.toLowerCase() === raw.trim().toLowerCase());
  if (name === undefined) throw badValue(flag, raw, `one of ${TYPE_NAMES.join(', ').toLowerCase()}`);
  return name;
}
