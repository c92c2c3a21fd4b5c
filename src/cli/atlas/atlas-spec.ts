import type { CommandSpec } from '../command-line/command-spec';
import { parseText, type DefaultedOption } from '../command-line/option';

export const ATLAS_PAGE: DefaultedOption<string> = {
  name: 'out',
  placeholder: 'FILE',
  help: 'write the page there; - is standard output',
  parse: parseText,
  byDefault: 'atlas.html',
};

/** `atlas` in the command table. */
export const ATLAS = {
  name: 'atlas',
  operands: ['DIR'],
  summary: "lay many adapters' self-tests side by side, as a static page",
  description:
    "Reads every .json of DIR, entries that selftest --atlas or the page wrote, and builds one HTML file without scripts: vendor, driver and browser by kernel. An entry is read as a stranger's: whatever is not exactly one is refused by name, left out, and makes the exit status 2.",
  options: [ATLAS_PAGE],
  examples: ['moescope atlas entries/', 'moescope atlas entries/ --out public/index.html'],
} as const satisfies CommandSpec;
