// The first step of the GitHub Action: a MoEscope that runs here. Output: cli, the path of the program.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt } from '../lib/build.mjs';
import { ensureChromium, ensureNodeModules, ensureSoftwareGpu } from '../lib/install.mjs';
import { ROOT, run, runMain, SetupError } from '../lib/process.mjs';
import { input, setOutput } from './github.mjs';

await runMain(async () => {
  setOutput('cli', await cli(input('package')));
  if (input('merge') !== '') return 0;
  const needsSoftware = input('adapter') !== 'hardware';
  if (!needsSoftware && input('runtime') !== 'browser') return 0;
  const chromium = await ensureChromium();
  if (needsSoftware) await ensureSoftwareGpu(chromium);
  return 0;
});

/**
 * @param {string} packed path or https address of a packed MoEscope (moescope-<version>.tgz); empty: what this checkout builds
 * @returns {Promise<string>}
 * @throws {SetupError} for a name: the owner of that name in the registry would run code here
 */
async function cli(packed) {
  if (packed === '') {
    await ensureNodeModules();
    await ensureBuilt(['page', 'cli']);
    return join(ROOT, 'dist/cli/moescope.js');
  }
  if (!/^https:\/\/.+\.tgz$|^(?:\.{0,2}\/|[A-Za-z]:[\\/]).*\.tgz$/.test(packed)) {
    throw new SetupError(
      `The input package is "${packed}", which is no packed MoEscope.`,
      'Give the path (./moescope-1.0.0-rc.1.tgz) or the https address of a file that npm pack wrote.',
    );
  }
  const folder = join(process.env.RUNNER_TEMP ?? ROOT, 'moescope');
  // What drives a browser is asked for where one may be needed.
  const driver = input('runtime') === 'node' ? [] : [`playwright-core@${driverVersion()}`];
  const status = await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, packed, ...driver]);
  if (status !== 0) throw new SetupError(`${packed} could not be installed.`, 'See the lines above.');
  return join(folder, 'node_modules/moescope/dist/cli/moescope.js');
}

/** @returns {string} the version that this checkout is tested with */
function driverVersion() {
  /** @type {{ devDependencies: Record<string, string> }} */
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return devDependencies['playwright-core'] ?? 'latest';
}
