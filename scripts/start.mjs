// npm start: install what is missing, build what has changed, serve the page.
import { join } from 'node:path';
import { ensureBuilt } from './lib/build.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { ROOT, run, runMain } from './lib/process.mjs';

await runMain(async () => {
  await ensureNodeModules();
  await ensureBuilt(['page', 'cli']);
  return run(process.execPath, [join(ROOT, 'dist/cli/moescope.js'), 'serve', ...process.argv.slice(2)]);
});
