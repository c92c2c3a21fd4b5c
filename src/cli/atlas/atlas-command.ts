import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, reasonOf } from '../../base/errors';
import { say } from '../../base/foreign-text';
import { plural } from '../../base/format';
import { openRegular } from '../../gguf/regular-file';
import { atlasPage } from '../../selftest/atlas/atlas-page';
import type { AtlasEntry } from '../../selftest/atlas/entry';
import { MOST_ENTRY_CHARS, readAtlasEntry } from '../../selftest/atlas/read-entry';
import { atlasOf } from '../../selftest/atlas/table';
import type { CommandRunner } from '../command-line/command-runner';
import { exitCode } from '../command-line/exit-codes';
import { checkOutput, writeOutput } from '../files/output';
import { ATLAS_PAGE } from './atlas-spec';

/** Files of a folder that are read: each line of the page has one at least, and a table has an end. */
const MOST_FILES = 20_000;

/** `moescope atlas DIR`: the entries of a folder as one page. Links and folders in it are not followed. */
export const atlasCommand: CommandRunner = async (args, terminal) => {
  const [folder = ''] = args.operands;
  const page = args.get(ATLAS_PAGE);
  await checkOutput(page);
  const names = await entryNames(folder);
  const entries: AtlasEntry[] = [];
  let refused = 0;
  for (const name of names) {
    const read = await readFile(join(folder, name));
    if (typeof read === 'string') {
      refused++;
      terminal.err(say`refused ${name}: ${read}\n`);
    } else entries.push(read);
  }
  if (entries.length === 0) {
    throw fail(
      'usage',
      `${folder} holds no atlas entry.`,
      'Write some with moescope selftest --atlas FILE --sign-off.',
    );
  }
  const atlas = atlasOf(entries);
  await writeOutput(page, await atlasPage(atlas, refused), terminal);
  const left = refused === 0 ? '' : `, ${plural(refused, 'file')} refused`;
  const done = say`${plural(entries.length, 'entry', 'entries')} on ${plural(atlas.lines.length, 'line')}${left}\n`;
  if (page === '-') terminal.err(done);
  else terminal.out(done);
  return exitCode(refused === 0 ? 'pass' : 'usage');
};

async function entryNames(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fail('usage', `${folder} cannot be read: ${reasonOf(error)}`, 'Name a folder of atlas entries.', {}, error);
  });
  const names = found
    .filter((file) => file.name.endsWith('.json') && !file.isDirectory() && !file.isSymbolicLink())
    .map(({ name }) => name);
  if (names.length > MOST_FILES) {
    throw fail('usage', `${folder} holds ${names.length} entries.`, `Give a folder of at most ${MOST_FILES}.`);
  }
  return names.sort();
}

async function readFile(path: string): Promise<AtlasEntry | string> {
  try {
    const handle = await openRegular(path);
    try {
      // A character more than is allowed says that there are too many.
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(4 * MOST_ENTRY_CHARS), 0, 4 * MOST_ENTRY_CHARS, 0);
      return readAtlasEntry(new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead)));
    } finally {
      await handle.close();
    }
  } catch (error) {
    return reasonOf(error);
  }
}
