import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, ROOT } from './process.mjs';

/**
 * The constants that a build puts into src/base/version.ts: the version of package.json and the commit, marked `+` when the tree
 * holds changes that no commit has.
 * @returns {Record<string, string>}
 */
export function versionDefines() {
  const packageFile = readFileSync(join(ROOT, 'package.json'), 'utf8');
  /** @type {{ version: string }} */
  const { version } = JSON.parse(packageFile);
  const commit = output('git', ['rev-parse', '--short=12', 'HEAD']);
  const isDirty = output('git', ['status', '--porcelain', '--', 'src', 'shaders', 'index.html']) !== '';
  return {
    __MOESCOPE_VERSION__: JSON.stringify(version),
    __MOESCOPE_COMMIT__: JSON.stringify(commit === undefined ? 'unknown' : `${commit}${isDirty ? '+' : ''}`),
  };
}
