import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fail } from '../../base/errors';

/**
 * The folder of the built page: the parent of the built command line.
 * @throws TracerError `usage` when the page has not been built
 */
export async function pageFolder(): Promise<string> {
  const folder = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
  try {
    await access(`${folder}/index.html`);
  } catch {
    throw fail('usage', 'The page has not been built.', 'Run npm run build first.', { folder });
  }
  return folder;
}
