// npm run build: install what is missing, build what has changed. `node scripts/build.mjs cli` builds only the command line.
import { ensureBuilt } from './lib/build.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { runMain } from './lib/process.mjs';

await runMain(async () => {
  await ensureNodeModules();
  await ensureBuilt(process.argv[2] === 'cli' ? ['cli'] : undefined);
  return 0;
});
