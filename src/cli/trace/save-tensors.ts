import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TracerError } from '../../base/errors';
import type { Capture } from '../../model/engine';
import { aprPath, fileLayer, otherModeFolders } from '../../trace/apr-path';
import { encodeAprt } from '../../trace/aprt';
import { ProjectionJoiner, toFiled, type FiledCapture } from '../../trace/filed-layout';
import { indexEntries, treeIndex } from '../../trace/trace-files';
import { encodeNpy } from '../../trace/npy';
import { unwritable } from '../files/output';
import type { SaveFormat } from './trace-options';
import { traceOfRun, type FinishedRun } from '../../session/trace-of-run';
import type { TensorSaver } from './tensor-saver';
import { csvSaver, jsonSaver } from './save-one-file';
import { whileLocked } from './folder-lock';
import { treeFolder } from './tree-folder';
import { openZipFile, type ZipFile } from './zip-file';

/** What describes the tensors, beside or inside what holds them. */
const INDEX = 'trace.json';

const SAVERS = {
  aprt: (root) => joiningSaver(aprtSaver(root)),
  'aprt-zip': (root) => joiningSaver(aprtZipSaver(root)),
  npz: (root) => joiningSaver(oneFileAnEngine(npzSaver(root), root, 'npz')),
  json: (root) => oneFileAnEngine(jsonSaver(root), root, 'json'),
  csv: (root) => oneFileAnEngine(csvSaver(root), root, 'csv'),
} as const satisfies Record<SaveFormat, (root: string) => TensorSaver>;

/**
 * APRT: `DIR/<engine>/layer-<N>/<stage>.bin` and `DIR/trace.json`; zipped, the same tree in `DIR/trace.aprt.zip`. NPZ: `DIR/<engine>.npz` with arrays of the same names, and the reference's error
 * bounds as `<stage>.bound`. JSON and CSV: `DIR/<engine>.json`, `DIR/<engine>.csv`. What is there of the same engines is replaced, both modes of each: `gpu` of one run
 * and `gpu-isolated` of another would be compared as one. Other engines stay.
 */
export function tensorSaver(target: { readonly folder: string; readonly format: SaveFormat }): TensorSaver {
  return SAVERS[target.format](target.folder);
}

/** A saver of a tree: it holds the projections of a layer as one tensor. */
function joiningSaver(saver: TensorSaver): TensorSaver {
  const joiners = new Map<string, ProjectionJoiner>();
  return {
    async save(folder, captured) {
      const joiner = joiners.get(folder) ?? new ProjectionJoiner();
      joiners.set(folder, joiner);
      for (const ready of joiner.add(captured)) await saver.save(folder, ready);
    },
    async finish(run) {
      for (const [folder, joiner] of joiners) for (const rest of joiner.rest()) await saver.save(folder, rest);
      await saver.finish(run);
    },
    close: () => saver.close(),
  };
}

/** A saver of one file an engine that takes away what an earlier run left of the same engines. */
function oneFileAnEngine(saver: TensorSaver, root: string, extension: string): TensorSaver {
  const saved = new Map<string, true>();
  return {
    save(folder, captured) {
      saved.set(folder, true);
      return saver.save(folder, captured);
    },
    async finish(run) {
      // All engines at once: of two runs into one folder, the files of one are there.
      try {
        await whileLocked(root, async () => {
          await saver.finish(run);
          for (const folder of staleFolders(saved)) await rm(join(root, `${folder}.${extension}`), { force: true });
        });
      } catch (error) {
        throw error instanceof TracerError ? error : unwritable(root, error);
      }
    },
    close: () => saver.close(),
  };
}

function aprtSaver(root: string): TensorSaver {
  const folder = treeFolder(root, INDEX);
  const tree = aprtTree(folder.write);
  return {
    save: tree.save,
    async finish(run) {
      const stale = staleFolders(tree.saved);
      const replaced = new Set([...tree.saved.keys(), ...stale]);
      await folder.finish(async () => {
        // Read when nobody else writes: another run may have put engines of its own there.
        const before = [...(await describedIn(root))];
        await tree.finish(
          run,
          before.flatMap(([name, entry]) => (replaced.has(name) ? [] : [entry])),
        );
        return stale;
      });
    },
    close: folder.close,
  };
}

/** What `trace.json` says of the folders that are there; nothing where there is none, or one that cannot be read. */
async function describedIn(root: string): Promise<ReadonlyMap<string, unknown>> {
  const file = join(root, INDEX);
  return readFile(file)
    .then((bytes) => indexEntries(bytes, file))
    .catch(() => new Map<string, unknown>());
}

/** Of engines that ran in one mode only: the folders of the other, which an earlier run may have left. */
function staleFolders(saved: ReadonlyMap<string, unknown>): readonly string[] {
  return [...saved.keys()].flatMap(otherModeFolders).filter((other) => !saved.has(other));
}

interface AprtTree extends Pick<TensorSaver, 'save'> {
  readonly saved: ReadonlyMap<string, readonly Capture[]>;
  /** @param others entries of the index for folders beside those of this run */
  finish(run: FinishedRun, others?: readonly unknown[]): Promise<void>;
}

/** A tree of APRT files, written somewhere. */
function aprtTree(write: (path: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>): AprtTree {
  const saved = new Map<string, FiledCapture[]>();
  return {
    saved,
    async save(folder, captured) {
      remember(saved, folder, captured);
      await write(
        aprPath(folder, captured.stage, captured.layer),
        encodeAprt(fileLayer(captured.stage, captured.layer), toFiled(captured).data),
      );
    },
    finish(run, others) {
      const traces = [...saved].map(([folder, captures]) => traceOfRun(folder, captures, run));
      return write(INDEX, new TextEncoder().encode(treeIndex(traces, others)));
    },
  };
}

function aprtZipSaver(root: string): TensorSaver {
  let zip: Promise<ZipFile> | undefined;
  const opened = (): Promise<ZipFile> => (zip ??= openZipFile(join(root, 'trace.aprt.zip')));
  const tree = aprtTree(async (path, bytes) => (await opened()).add(path, bytes));
  return {
    save: tree.save,
    async finish(run) {
      await tree.finish(run);
      await (await opened()).finish();
    },
    close: async () => (await zip?.catch(() => undefined))?.close(),
  };
}

function npzSaver(root: string): TensorSaver {
  const saved = new Map<string, FiledCapture[]>();
  const archives = new Map<string, ZipFile>();
  const archive = async (folder: string): Promise<ZipFile> => {
    const open = archives.get(folder) ?? (await openZipFile(join(root, `${folder}.npz`)));
    archives.set(folder, open);
    return open;
  };
  const close = async (): Promise<void> => {
    await Promise.all([...archives.values()].map((zip) => zip.close()));
  };
  return {
    async save(folder, captured) {
      remember(saved, folder, captured);
      const { shape, data, bound: limits } = toFiled(captured);
      const bytes = encodeNpy(data instanceof Uint32Array ? { type: 'u4', shape, data } : { type: 'f4', shape, data });
      const zip = await archive(folder);
      await zip.add(aprPath(folder, captured.stage, captured.layer, 'npy'), bytes);
      if (limits === undefined) return;
      const bound = encodeNpy({ type: 'f4', shape, data: limits });
      await zip.add(aprPath(folder, captured.stage, captured.layer, 'bound.npy'), bound);
    },
    async finish(run) {
      for (const [folder, captures] of saved) {
        const index = treeIndex([traceOfRun(folder, captures, run)]);
        await (await archive(folder)).add(INDEX, new TextEncoder().encode(index));
      }
      for (const zip of archives.values()) await zip.finish();
    },
    close,
  };
}

/** Keeps a capture without its values: what the index needs of it. */
function remember(saved: Map<string, FiledCapture[]>, folder: string, captured: FiledCapture): void {
  const { stage, layer, positions, shape, parts } = captured;
  const captures = saved.get(folder) ?? [];
  const header = { stage, layer, positions, shape, ...(parts === undefined ? {} : { parts }) };
  captures.push({ ...header, data: new Float32Array(0) });
  saved.set(folder, captures);
}
