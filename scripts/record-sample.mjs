// npm run record-sample: the stories that the page shows before anything is run: real runs of the sample model, healthy, with a defect, and of a
// real llama.cpp (npm's, installed on first use) whose file has a defect.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './lib/build.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { ROOT, run, runMain } from './lib/process.mjs';
import { DIVERGED, MATCH, reportLines, runCommand } from './lib/recorded-run.mjs';

await runMain(async () => {
  await ensureNodeModules();
  await ensureBuilt(['cli']);
  const { runnerImport } = await import('vite');
  const { module } = await runnerImport(join(ROOT, 'src/store/stories.ts'));
  const folder = mkdtempSync(join(tmpdir(), 'moescope-'));
  try {
    const model = join(ROOT, 'public/sample/tiny-moe-6x16-Q4_K_M.gguf');
    const cli = join(ROOT, 'dist/cli/moescope.js');
    for (const { id, inject, exchanged } of module.STORIES) {
      const json = join(folder, `${id}.json`);
      const defects = inject.flatMap((/** @type {string} */ spec) => ['--inject', spec]);
      if (exchanged !== undefined) {
        const code = await run(process.execPath, [cli, 'setup', 'llama.cpp']);
        if (code !== 0) return code;
        const file = join(folder, `experts-${exchanged.experts.join('-and-')}-exchanged.gguf`);
        await exchangeExperts(model, file, exchanged);
        defects.push('--candidate', 'llama.cpp:cpu', '--candidate-file', file);
      }
      const order = ['trace', model, '--prompt', module.STORY_PROMPT, ...defects, '--json', json];
      runCommand(order, defects.length === 0 ? MATCH : DIVERGED);
      const report = JSON.parse(readFileSync(json, 'utf8'));
      writeFileSync(join(ROOT, `public/sample/recorded-${id}.json`), reportLines(report));
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/**
 * Writes a copy of a model in which two experts of a tensor have changed places.
 * @param {string} model
 * @param {string} copy
 * @param {{ readonly tensor: string, readonly experts: readonly [number, number] }} what
 */
async function exchangeExperts(model, copy, { tensor, experts }) {
  const { runnerImport } = await import('vite');
  const { module: gguf } = await runnerImport(join(ROOT, 'src/gguf/open-model.ts'));
  const { module: source } = await runnerImport(join(ROOT, 'src/gguf/node-source.ts'));
  const opened = await gguf.openModel([await source.nodeSource(model)]);
  const { offset, bytes, dims } = opened.tensors.get(tensor);
  await opened.close();
  const each = bytes / dims.at(-1);
  const file = readFileSync(model);
  /** @param {number} expert */
  const weights = (expert) => file.subarray(offset + expert * each, offset + (expert + 1) * each);
  const [first, second] = experts;
  const kept = Uint8Array.from(weights(first));
  weights(first).set(weights(second));
  weights(second).set(kept);
  writeFileSync(copy, file);
}
