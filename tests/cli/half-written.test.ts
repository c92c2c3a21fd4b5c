import { mkdtemp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toErrorData } from '../../src/base/errors';
import { checkOutput, writeOutput } from '../../src/cli/files/output';
import { openWhole } from '../../src/cli/files/atomic-file';
import { readOperand } from '../../src/cli/diff/read-operand';
import { tensorSaver } from '../../src/cli/trace/save-tensors';
import type { SaveFormat } from '../../src/cli/trace/trace-options';
import type { Capture } from '../../src/model/engine';
import { generateReport } from '../support/reports';
import { terminalDouble as silentTerminal } from './terminal-double';

/** The disk is full once this is set: the next write of any file fails as Linux says it. */
const disk = vi.hoisted(() => ({ writesLeft: Infinity }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const spend = (): void => {
    if (disk.writesLeft-- <= 0) {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
  };
  return {
    ...real,
    writeFile: (async (...args: Parameters<typeof real.writeFile>) => {
      spend();
      await real.writeFile(...args);
    }) satisfies typeof real.writeFile,
    open: async (...args: Parameters<typeof real.open>) => {
      const handle = await real.open(...args);
      const append = handle.appendFile.bind(handle);
      handle.appendFile = async (...content) => {
        spend();
        await append(...content);
      };
      return handle;
    },
  };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moescope-half-'));
  disk.writesLeft = Infinity;
});
afterEach(async () => {
  disk.writesLeft = Infinity;
  await rm(folder, { recursive: true });
});

const captured = (layer: number, value: number): Capture => ({
  stage: 'moe_ffn_out',
  layer,
  positions: [0, 1],
  shape: [2, 3],
  data: new Float32Array(6).fill(value),
});
const FINISHED = { report: generateReport({ kind: 'clean', nLayer: 2, nTokens: 2 }), weightTypes: {} };

/** Saves two layers. `end`: the process is killed before the trace is finished (nothing more is called). */
async function save(format: SaveFormat, value: number, end?: 'killed'): Promise<void> {
  const saver = tensorSaver({ folder, format });
  try {
    await saver.save('gpu', captured(0, value));
    await saver.save('gpu', captured(1, value));
    if (end === 'killed') return;
    await saver.finish(FINISHED);
  } finally {
    if (end === 'killed') await endProcess();
    else await saver.close();
  }
}

/** What grows in the folder becomes that of a process which has ended: its number is above what Linux gives. */
async function endProcess(): Promise<void> {
  for (const name of await readdir(folder)) {
    const ended = name.replace(`-${process.pid}-`, '-4194305-');
    if (name.startsWith('.')) await rename(join(folder, name), join(folder, ended));
  }
}

/** First value of every capture that a reader finds. */
async function read(): Promise<readonly number[]> {
  const { traces } = await readOperand(folder);
  return traces.flatMap((trace) => [...trace.captures.values()].map(({ data }) => data[0] ?? NaN));
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => toErrorData(error).code,
  );

const FORMATS = ['aprt', 'aprt-zip', 'npz', 'json', 'csv'] as const;

describe.each(FORMATS)('a trace saved as %s', (format) => {
  it('is read as what it was before, while the next one grows and after its process was killed', async () => {
    await save(format, 1);
    expect(await read()).toEqual([1, 1]);
    await save(format, 2, 'killed');
    expect(await read()).toEqual([1, 1]);
    await save(format, 3);
    expect(await read()).toEqual([3, 3]);
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('is refused where its process was killed and there was none before; the next run mends it', async () => {
    await save(format, 1, 'killed');
    expect(await codeOf(read())).toBe('trace-format');
    await save(format, 2);
    expect(await read()).toEqual([2, 2]);
  });

  it('is refused where the disk was full and there was none before, and leaves no lock behind', async () => {
    for (let writes = 0; ; writes++) {
      disk.writesLeft = writes;
      const code = await codeOf(save(format, 1));
      const isFull = disk.writesLeft < 0;
      disk.writesLeft = Infinity;
      if (!isFull) break;
      expect(code).toBe('usage');
      expect(await codeOf(read())).toBe('trace-format');
      expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
      expect(writes).toBeLessThan(40);
    }
    expect(await read()).toEqual([1, 1]);
  });

  it('is what it was before when the disk is full at any write', async () => {
    await save(format, 1);
    for (let writes = 0; ; writes++) {
      disk.writesLeft = writes;
      const code = await codeOf(save(format, 2));
      const isFull = disk.writesLeft < 0;
      disk.writesLeft = Infinity;
      if (!isFull) break;
      expect(code).toBe('usage');
      // The index of a tree changes places last: only there a reader may be refused, and told.
      expect(await read().catch((error: unknown) => toErrorData(error).code)).toEqual([1, 1]);
      expect(writes).toBeLessThan(40);
    }
    expect(await read()).toEqual([2, 2]);
  });
});

/** The engines that a reader finds, each with the model that it is of, after a run that saved these. */
async function saveArms(format: SaveFormat, ...engines: readonly string[]): Promise<readonly string[]> {
  const saver = tensorSaver({ folder, format });
  for (const engine of engines) await saver.save(engine, captured(0, 1));
  await saver.finish(FINISHED);
  await saver.close();
  const { traces } = await readOperand(folder);
  const isTold = format === 'csv' || traces.every(({ provenance }) => provenance.tokens !== undefined);
  return isTold ? traces.map(({ provenance }) => `${provenance.arm} ${provenance.mode}`).sort() : ['unknown'];
}

describe.each(['aprt', 'npz', 'json', 'csv'] as const)('a second run into a folder of %s', (format) => {
  it('leaves nothing of the first one’s other mode beside its own, and other engines as they were', async () => {
    expect(await saveArms(format, 'cpu', 'gpu', 'gpu-isolated')).toEqual(['cpu free', 'gpu free', 'gpu isolated']);
    expect(await saveArms(format, 'gpu')).toEqual(['cpu free', 'gpu free']);
    expect(await saveArms(format, 'gpu-isolated')).toEqual(['cpu free', 'gpu isolated']);
  });
});

it('a tree whose folders were changing places is refused by name', async () => {
  await save('aprt', 1);
  await writeFile(join(folder, 'trace.json'), '{"schema":"moescope-tree/1","unfinished":true,"traces":[]}');
  await expect(read()).rejects.toMatchObject({ code: 'trace-format', message: expect.stringContaining('not whole') });
});

describe('a report, baseline or table', () => {
  it('is what it was before when the disk is full, and says so', async () => {
    const file = join(folder, 'report.json');
    await writeOutput(file, 'old', silentTerminal());
    disk.writesLeft = 0;
    await expect(writeOutput(file, 'new', silentTerminal())).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/report\.json cannot be written: no space left on device\.$/),
      remedy: expect.stringContaining('room'),
    });
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['report.json']);
    disk.writesLeft = Infinity;
    await writeOutput(file, 'new', silentTerminal());
    expect(await readFile(file, 'utf8')).toBe('new');
  });

  it('is what it was before when its process was killed in mid-write', async () => {
    const file = join(folder, 'report.json');
    await writeFile(file, 'old');
    await (await openWhole(file)).append('half of the n');
    expect(await readFile(file, 'utf8')).toBe('old');
    await writeOutput(file, 'new', silentTerminal());
    expect(await readFile(file, 'utf8')).toBe('new');
  });

  it('leaves nothing where it was only looked whether it can be written', async () => {
    await checkOutput(join(folder, 'deep', 'report.json'));
    expect(await readdir(join(folder, 'deep'))).toEqual([]);
  });

  it('goes through a link, and to what is no file', async () => {
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real', 'r.json'), 'old');
    await symlink(join(folder, 'real', 'r.json'), join(folder, 'link.json'));
    await writeOutput(join(folder, 'link.json'), 'new', silentTerminal());
    expect(await readFile(join(folder, 'real', 'r.json'), 'utf8')).toBe('new');
    await writeOutput('/dev/null', 'anything', silentTerminal());
    expect((await stat('/dev/null')).isFile()).toBe(false);
  });
});
