import type { PageSource } from '../worker/page-source';

/** What a dropped file is for: a model to run, or a trace, report or picture to look at. Told by its first bytes, else by its name. */
export async function fileKind(source: PageSource): Promise<'model' | 'trace'> {
  if (source.kind === 'http' || source.kind === 'path') return 'model';
  const head =
    source.kind === 'blob'
      ? new Uint8Array(await source.blob.slice(0, 512).arrayBuffer())
      : source.bytes.subarray(0, 512);
  return kindOfHead(head, source.name);
}

const GGUF: readonly number[] = [0x47, 0x47, 0x55, 0x46];
/** First bytes of files that hold traces or pictures: APRT, NumPy, PNG, ZIP. */
const MAGIC: readonly (readonly number[])[] = [
  [0x41, 0x50, 0x52, 0x54],
  [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59],
  [0x89, 0x50, 0x4e, 0x47],
  [0x50, 0x4b, 0x03, 0x04],
];

/** Names that traces, pictures and reports have: a damaged one is told as what it was meant to be. */
const TRACE_NAME = /\.(?:csv|html?|json|np[yz]|png|pt|safetensors|svg|zip)$/i;

/** Whatever is no trace is taken for a model: its reader says best what is wrong with it. */
export function kindOfHead(head: Uint8Array, name: string): 'model' | 'trace' {
  if (/\.gguf$/i.test(name) || GGUF.every((byte, i) => head[i] === byte)) return 'model';
  if (TRACE_NAME.test(name)) return 'trace';
  if (MAGIC.some((magic) => magic.every((byte, i) => head[i] === byte))) return 'trace';
  const text = new TextDecoder().decode(head).trimStart();
  return text.startsWith('{') || text.startsWith('<') || text.startsWith('arm,layer,stage') ? 'trace' : 'model';
}
