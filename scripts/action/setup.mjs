// The first step of the GitHub Action: a MoEscope that runs here. Output: cli, the path of the program.
import { join } from 'node:path';
import { ensureBuilt } from '../lib/build.mjs';
import { ensureChromium, ensureNodeModules, ensureSoftwareGpu } from '../lib/install.mjs';
import { ROOT, run, runMain, SetupError } from '../lib/process.mjs';
import { input, setOutput } from './github.mjs';

await runMain(async () => {
  setOutput('cli', await cli(input('version')));
  if (input('merge') !== '') return 0;
  const needsSoftware = input('adapter') !== 'hardware';
  if (!needsSoftware && input('runtime') !== 'browser') return 0;
  const chromium = await ensureChromium();
  if (needsSoftware) await ensureSoftwareGpu(chromium);
  return 0;
});

/**
 * @param {string} version of the npm package; empty: what this checkout builds
 * @returns {Promise<string>}
 */
async function cli(version) {
  if (version === '') {
    await ensureNodeModules();
    await ensureBuilt(['page', 'cli']);
    return join(ROOT, 'dist/cli/moescope.js');
  }
  const folder = join(process.env.RUNNER_TEMP ?? ROOT, 'moescope');
  const status = await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, `moescope@${version}`]);
  if (status !== 0) throw new SetupError(`moescope@${version} could not be installed.`, 'See the lines above.');
  return join(folder, 'node_modules/moescope/dist/cli/moescope.js');
}
