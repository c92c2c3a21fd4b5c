import { fail } from '../base/errors';
import { openSource } from '../gguf/open-source';
import { parseAprPath } from '../trace/apr-path';
import { readFileTree, readTraces } from '../trace/read-traces';
import type { Trace } from '../trace/trace';
import { readSharedFile, sharedKind } from '../share/shared-file';
import type { PageSource } from './page-source';
import type { NamedView } from './trace-cards';

/** Bytes of one drop that are read into memory; more is for the command line, which reads file by file. */
const MOST_BYTES = 3 * 2 ** 30;
const TENSOR = /\.(?:bin|npy)$/i;
const INDEX = /(?:^|\/)(?:trace|index)\.json$/;

/** Everything that a drop held, in memory. */
export interface FilesRead {
  readonly named: readonly { readonly file: string; readonly traces: readonly Trace[] }[];
  readonly views: readonly NamedView[];
  readonly ignored: readonly string[];
}

/**
 * Reads what was dropped: archives, JSON and CSV one by one, loose tensors together as the tree that they come from.
 * @throws TracerError `trace-format`, `source-read`
 */
export async function readFiles(files: readonly PageSource[]): Promise<FilesRead> {
  const named: { file: string; traces: readonly Trace[] }[] = [];
  const ignored: string[] = [];
  const loose = new Map<string, Uint8Array>();
  const views: NamedView[] = [];
  let total = 0;
  for (const descriptor of files) {
    const source = await openSource(descriptor);
    try {
      total += source.size;
      if (total > MOST_BYTES) throw tooLarge(source.name, total);
      const bytes = await source.read(0, source.size);
      const { name } = source;
      const isIndex = INDEX.test(name);
      const kind = isIndex ? undefined : sharedKind(bytes);
      if (isIndex || TENSOR.test(name)) loose.set(name, bytes);
      else if (kind !== undefined) views.push({ file: name, shared: readSharedFile(bytes, kind, name) });
      else {
        const read = readTraces(bytes, name);
        named.push({ file: name, traces: read.traces });
        ignored.push(...read.ignored.map((inner) => `${name}: ${inner}`));
      }
    } finally {
      await source.close();
    }
  }
  if (loose.size > 0) {
    const { root, tree } = treeOf(loose);
    const read = readFileTree(tree, root);
    named.push({ file: root, traces: read.traces });
    ignored.push(...read.ignored);
  }
  return { named, views, ignored };
}

/** The dropped files without the folder that holds them all; tensors outside of an engine's folder get one. */
function treeOf(files: ReadonlyMap<string, Uint8Array>): {
  readonly root: string;
  readonly tree: ReadonlyMap<string, Uint8Array>;
} {
  const paths = [...files.keys()];
  const head = paths[0]?.split('/')[0] ?? '';
  const shared = paths.length > 1 && paths.every((path) => path.startsWith(`${head}/`)) && !isEngineFolder(paths, head);
  const root = shared ? head : paths.length === 1 ? (paths[0] ?? 'file') : 'dropped tensors';
  const tree = new Map<string, Uint8Array>();
  for (const [path, bytes] of files) {
    const inside = shared ? path.slice(head.length + 1) : path;
    const named = parseAprPath(inside, inside.toLowerCase().endsWith('.npy') ? 'npy' : 'bin');
    tree.set(named?.folder === '' ? `trace/${inside}` : inside, bytes);
  }
  return { root, tree };
}

/** `gpu/layer-0/...` dropped as a folder: its name is the engine. */
function isEngineFolder(paths: readonly string[], head: string): boolean {
  return paths.some((path) => {
    const inside = path.slice(head.length + 1);
    return parseAprPath(inside, 'bin')?.folder === '' || parseAprPath(inside, 'npy')?.folder === '';
  });
}

function tooLarge(name: string, total: number): Error {
  return fail(
    'trace-format',
    `The traces hold ${String(total)} bytes up to ${name}; the page reads ${String(MOST_BYTES)} at once.`,
    'Compare them on the command line (moescope diff A B), or drop fewer layers or stages.',
    { actual: total, expected: MOST_BYTES, file: name },
  );
}
