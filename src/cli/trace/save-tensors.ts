import { join } from 'node:path';
import type { Tap } from '../../model/engine';
import { aprPath, fileLayer } from '../../trace/apr-path';
import { encodeAprt } from '../../trace/aprt';
import { treeIndex } from '../../trace/trace-files';
import { encodeNpy } from '../../trace/npy';
import type { SaveFormat } from '../commands';
import { traceOfRun, type FinishedRun } from '../../session/trace-of-run';
import { csvSaver, jsonSaver } from './save-one-file';
import { treeFolder } from './tree-folder';
import { openZipFile, type ZipFile } from './zip-file';

/** Where captured tensors go. Each is written as soon as it is there, so that a run of any size needs no more memory. */
export interface TensorSaver {
  /** @param folder the arm's: `gpu`, `gpu-isolated`, `cpu` */
  save(folder: string, tap: Tap): Promise<void>;
  /** Writes what says where the tensors come from: `trace.json` with provenance, positions and shapes. */
  finish(run: FinishedRun): Promise<void>;
  /** Closes files that are still open, and drops what is not finished. Safe to call twice. */
  close(): Promise<void>;
}

/** What describes the tensors, beside or inside what holds them. */
const INDEX = 'trace.json';

const SAVERS = {
  aprt: aprtSaver,
  'aprt-zip': aprtZipSaver,
  npz: npzSaver,
  json: jsonSaver,
  csv: csvSaver,
} as const satisfies Record<SaveFormat, (root: string) => TensorSaver>;

/**
 * APRT: `DIR/<arm>/layer-<N>/<stage>.bin` and `DIR/trace.json`; zipped, the same tree in `DIR/trace.aprt.zip`. NPZ: `DIR/<arm>.npz` with arrays of the same names, and the reference's error
 * bounds as `<stage>.bound`. JSON and CSV: `DIR/<arm>.json`, `DIR/<arm>.csv`. Existing files are replaced.
 */
export function tensorSaver(target: { readonly folder: string; readonly format: SaveFormat }): TensorSaver {
  return SAVERS[target.format](target.folder);
}

function aprtSaver(root: string): TensorSaver {
  const folder = treeFolder(root, INDEX);
  const tree = aprtTree(folder.write);
  return {
    save: tree.save,
    async finish(run) {
      await tree.finish(run);
      await folder.finish();
    },
    close: folder.close,
  };
}

/** A tree of APRT files, written somewhere. */
function aprtTree(write: (path: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>): Omit<TensorSaver, 'close'> {
  const saved = new Map<string, Tap[]>();
  return {
    async save(folder, tap) {
      remember(saved, folder, tap);
      await write(aprPath(folder, tap.stage, tap.layer), encodeAprt(fileLayer(tap.stage, tap.layer), tap.data));
    },
    finish: (run) =>
      write(
        INDEX,
        new TextEncoder().encode(treeIndex([...saved].map(([folder, taps]) => traceOfRun(folder, taps, run)))),
      ),
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
  const saved = new Map<string, Tap[]>();
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
    async save(folder, tap) {
      remember(saved, folder, tap);
      const { shape, data } = tap;
      const bytes = encodeNpy(data instanceof Uint32Array ? { type: 'u4', shape, data } : { type: 'f4', shape, data });
      const zip = await archive(folder);
      await zip.add(aprPath(folder, tap.stage, tap.layer, 'npy'), bytes);
      if (tap.bound === undefined) return;
      const bound = encodeNpy({ type: 'f4', shape, data: tap.bound });
      await zip.add(aprPath(folder, tap.stage, tap.layer, 'bound.npy'), bound);
    },
    async finish(run) {
      for (const [folder, taps] of saved) {
        const index = treeIndex([traceOfRun(folder, taps, run)]);
        await (await archive(folder)).add(INDEX, new TextEncoder().encode(index));
      }
      for (const zip of archives.values()) await zip.finish();
    },
    close,
  };
}

/** Keeps a tap without its values: what the index needs of it. */
function remember(saved: Map<string, Tap[]>, folder: string, tap: Tap): void {
  const { stage, layer, positions, shape } = tap;
  const taps = saved.get(folder) ?? [];
  taps.push({ stage, layer, positions, shape, data: new Float32Array(0) });
  saved.set(folder, taps);
}
