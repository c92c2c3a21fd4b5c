import type { PageSource } from '../worker/client-types';

/** What a dropped file is for: a model to run, or a trace, report or picture to look at. Told by its first bytes, else by its name. */
export async function fileKind(source: PageSource): Promise<'model' | 'trace'> {
  if (source.kind === 'http' || source.kind === 'path') return 'model';
  const head =
    source.kind === 'blob'
      ? new Uint8Array(await source.blob.slice(0, 512).arrayBuffer())
      : source.bytes.subarray(0, 512);
  return kindOfHead(head, source.name);
}

/** Whatever is no trace is taken for a model: its reader says best what is wrong with it. */
export function kindOfHead(head: Uint8Array, name: string): 'model' | 'trace' {
  const text = new TextDecoder('latin1').decode(head).replace(/^\u00ef\u00bb\u00bf/, '');
  if (text.startsWith('GGUF') || /\.gguf$/i.test(name)) return 'model';
  const first = text.trimStart();
  const known =
    text.startsWith('APRT') ||
    text.startsWith('\u0093NUMPY') ||
    text.startsWith('\u0089PNG\r\n') ||
    text.startsWith('PK\u0003\u0004') ||
    first.startsWith('{') ||
    first.startsWith('<') ||
    first.startsWith('arm,layer,stage');
  return known ? 'trace' : 'model';
}
