// npm run make-model: install what is missing, build the command line, write a synthetic model.
import { join } from 'node:path';
import { ensureBuilt } from './lib/build.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { ROOT, run, runMain } from './lib/process.mjs';

await runMain(async () => {
  await ensureNodeModules();
  await ensureBuilt(['cli']);
  return run(process.execPath, [join(ROOT, 'dist/cli/moescope.js'), 'make-model', ...process.argv.slice(2)]);
});
