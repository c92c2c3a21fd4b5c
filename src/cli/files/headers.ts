import { fail } from '../../base/errors';
import type { Arguments } from '../command-line/arguments';
import { HEADER } from '../command-line/shared-options';
import { readText } from './read-text';

export type Headers = Readonly<Record<string, string>>;

/** Headers that say how a request is sent: they are not for users to set. */
const OWN = /^(?:range|host|connection|content-length|transfer-encoding|accept-encoding|te|upgrade|expect)$/i;

/**
 * The headers of `--header`: `Name: value`, or `@FILE` with one a line. Undefined where none is given. No message repeats a value, which may be a secret.
 * @throws TracerError `usage`, `source-read`
 */
export async function readHeaders(args: Arguments): Promise<Headers | undefined> {
  const given = args.all(HEADER);
  if (given.length === 0) return undefined;
  const headers: Record<string, string> = {};
  for (const text of given) {
    const lines = text.startsWith('@') ? (await readText(text.slice(1))).split(/\r?\n/) : [text];
    for (const line of lines.filter((each) => each.trim() !== '')) {
      const [, name = '', value = ''] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
      // What HTTP can carry: visible ASCII, blanks, Latin-1.
      if (name === '' || value === '' || !/^[\x20-\x7e\xa0-\xff]+$/.test(value)) throw noHeader();
      if (OWN.test(name)) {
        throw fail('usage', `--header cannot set ${name}.`, 'Requests need it as it is.', { header: name });
      }
      headers[name] = value;
    }
  }
  return headers;
}

function noHeader(): Error {
  return fail(
    'usage',
    "A --header is not of the form 'Name: value' (it is not repeated here, since it may be a secret).",
    "Give for example --header 'Authorization: Bearer TOKEN', or --header @FILE with one a line.",
  );
}
