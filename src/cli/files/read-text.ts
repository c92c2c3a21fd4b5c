import { fail, reasonOf } from '../../base/errors';
import { readRegular } from '../../gguf/regular-file';

/** A regular UTF-8 file whole. @throws TracerError `source-read` */
export async function readText(file: string): Promise<string> {
  try {
    return (await readRegular(file)).toString('utf8');
  } catch (error) {
    const reason = reasonOf(error);
    throw fail('source-read', `${file} cannot be read: ${reason}.`, 'Check the path.', { file }, error);
  }
}
