import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Capture } from '../../model/engine';
import { engineOfFolder } from '../../trace/apr-path';
import { tracesToCsv } from '../../trace/csv';
import { encodeTraceJson } from '../../trace/trace-json';
import { createTrace } from '../../trace/trace';
import { unwritable } from '../files/output';
import { openWhole, writeWhole, type AtomicFile } from '../files/atomic-file';
import { traceOfRun } from '../../session/trace-of-run';
import type { TensorSaver } from './tensor-saver';

/** `DIR/<engine>.json`: one document an engine, kept in memory until the run is done. @throws TracerError `trace-format` when it is too large for one */
export function jsonSaver(root: string): TensorSaver {
  const saved = new Map<string, Capture[]>();
  return {
    save(folder, captured) {
      saved.set(folder, [...(saved.get(folder) ?? []), captured]);
      return Promise.resolve();
    },
    async finish(run) {
      for (const [folder, captures] of saved) {
        const file = join(root, `${folder}.json`);
        const text = encodeTraceJson(traceOfRun(folder, captures, run));
        try {
          await mkdir(root, { recursive: true });
          await writeWhole(file, text);
        } catch (error) {
          throw unwritable(file, error);
        }
      }
    },
    close: () => Promise.resolve(),
  };
}

/** `DIR/<engine>.csv`: one line an element, written as it comes. It tells no provenance but the engine. */
export function csvSaver(root: string): TensorSaver {
  const files = new Map<string, AtomicFile>();
  return {
    async save(folder, captured) {
      const path = join(root, `${folder}.csv`);
      try {
        await mkdir(root, { recursive: true });
        const isNew = !files.has(folder);
        const file = files.get(folder) ?? (await openWhole(path));
        files.set(folder, file);
        let isHeader = true;
        for (const text of tracesToCsv([createTrace(engineOfFolder(folder), [captured])])) {
          if (!isHeader || isNew) await file.append(text);
          isHeader = false;
        }
      } catch (error) {
        throw unwritable(path, error);
      }
    },
    async finish() {
      for (const [folder, file] of files) {
        try {
          await file.finish();
        } catch (error) {
          throw unwritable(join(root, `${folder}.csv`), error);
        }
      }
    },
    async close() {
      await Promise.all([...files.values()].map((file) => file.close()));
    },
  };
}
