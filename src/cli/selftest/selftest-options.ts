import { badValue, parseText, type Flag, type Option } from '../command-line/option';

/** The options of `selftest`. */
export const KERNEL: Option<readonly string[]> = {
  name: 'kernel',
  placeholder: 'LIST',
  help: 'kernels as the table names them, separated by commas; decode/ are all of a decoded token',
  parse: parseWords,
};
export const WEIGHT_TYPE: Option<readonly string[]> = {
  name: 'type',
  placeholder: 'LIST',
  help: 'types, separated by commas: q4_k,q6_k; f32 and u32 are kernels without weights',
  parse: parseWords,
};
export const ALL: Flag = {
  name: 'all',
  help: 'on a software adapter, also the pipelines that it never uses: each takes seconds to compile there',
};
export const CASES: Flag = { name: 'cases', help: 'print every case, not only every kernel' };

export const ATLAS_ENTRY: Option<string> = {
  name: 'atlas',
  placeholder: 'FILE',
  help: 'show what an entry for moescope atlas would hold (GPU, driver, browser, counts of each kernel, the month), and with --sign-off write it',
  parse: parseText,
};
export const SIGNED_OFF: Flag = {
  name: 'sign-off',
  help: 'with --atlas: I have read what is in an entry, and mine may be published',
};

function parseWords(raw: string, flag: string): readonly string[] {
  const words = raw.split(',').map((word) => word.trim());
  if (words.some((word) => word === '')) throw badValue(flag, raw, 'words separated by commas');
  return words;
}
