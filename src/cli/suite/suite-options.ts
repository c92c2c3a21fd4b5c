import { parseShard, type Shard } from '../../regression/shards';
import {
  badValue,
  parseCount,
  parseText,
  parseWhole,
  type DefaultedOption,
  type Flag,
  type Option,
} from '../command-line/option';

/** The options of `suite` and `merge` that no other command has. */
export const SHARD: Option<Shard> = {
  name: 'shard',
  placeholder: 'I/N',
  help: 'run part I of N only, from 1; the same runs on every machine, balanced by the seconds that runs took',
  parse: parseShard,
};
export const OUT: Option<string> = {
  name: 'out',
  placeholder: 'FILE',
  help: 'write the results there, afresh after every run, for moescope merge; - is standard output, at the end',
  parse: parseText,
};
export const RESUME: Flag = {
  name: 'resume',
  help: 'go on from what a killed shard left in the file of --out: runs that ended stand where model, options, adapter, baseline and version are the same; the others run again, each with its reason',
};
export const GREP: Option<RegExp> = {
  name: 'grep',
  placeholder: 'TEXT',
  help: 'run only what has this in its id, <model>/<prompt>/<mode>; a regular expression, capitals aside',
  parse: parseGrep,
};
export const LIST: Flag = {
  name: 'list',
  help: 'print the ids of the runs, a line each, and run nothing; with --shard those of the shard',
};
export const RETRIES: DefaultedOption<number> = {
  name: 'retries',
  placeholder: 'N',
  help: 'how often a run that ends in an error is tried again; a divergence is a result and is not',
  parse: parseCount,
  byDefault: '1',
};
export const REPEAT: DefaultedOption<number> = {
  name: 'repeat',
  placeholder: 'N',
  help: 'make every run N times; one whose bits are not the same each time fails, as UNSTEADY',
  parse: parseWhole(1),
  byDefault: '1',
};
export const BASELINES: Option<string> = {
  name: 'baselines',
  placeholder: 'DIR',
  help: 'hold every run to DIR/<model>-<prompt>-<mode>.json, as trace --baseline does; a suite of one run may name a .json file',
  parse: parseText,
};
export const REPORTS: Option<string> = {
  name: 'reports',
  placeholder: 'DIR',
  help: 'write every run to DIR/<model>-<prompt>-<mode>.json and its picture beside it as .svg',
  parse: parseText,
};
export const SECONDS: Option<string> = {
  name: 'seconds',
  placeholder: 'FILE',
  help: 'balance shards by what runs took in an earlier merged report; the same file on every machine',
  parse: parseText,
};

function parseGrep(raw: string, flag: string): RegExp {
  try {
    return new RegExp(raw, 'i');
  } catch {
    throw badValue(flag, raw, 'a regular expression, for example hello or tiny/.*/free');
  }
}
