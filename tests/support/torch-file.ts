import { writeZip } from '../../src/trace/zip';

/*
 * Files as `torch.save` writes them (protocol 2, zip with data.pkl and data/<key>), put together opcode by opcode: no torch is needed to test
 * that nothing of Python is.
 */
export type Part = readonly number[];
export const PROTO: Part = [0x80, 2];
export const STOP: Part = [0x2e];
export const ascii = (text: string): Part => [...text].map((c) => c.charCodeAt(0));
export const unicode = (text: string): Part => [0x58, text.length, 0, 0, 0, ...ascii(text)];
export const global = (module: string, name: string): Part => [0x63, ...ascii(`${module}\n${name}\n`)];
export const int = (value: number): Part => (value < 256 ? [0x4b, value] : [0x4d, value & 255, value >> 8]);
export const tuple = (...items: readonly Part[]): Part => [0x28, ...items.flat(), 0x74];
export const join = (...parts: readonly Part[]): Part => parts.flat();

export function tensor(
  key: string,
  type: string,
  count: number,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Part {
  const storage = join(
    tuple(unicode('storage'), global('torch', type), unicode(key), unicode('cpu'), int(count)),
    [0x51],
  );
  const args = tuple(
    storage,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    [0x89],
    join(global('collections', 'OrderedDict'), [0x29, 0x52]),
  );
  return join(global('torch._utils', '_rebuild_tensor_v2'), args, [0x52]);
}
export const dict = (...entries: readonly (readonly [string, Part])[]): Part =>
  join([0x7d, 0x71, 0, 0x28], ...entries.map(([name, value]) => join(unicode(name), value)), [0x75]);
export const list = (...items: readonly Part[]): Part => join([0x5d, 0x28], ...items, [0x65]);

export function torchFile(
  program: Part,
  data: Readonly<Record<string, ArrayBufferView<ArrayBuffer>>>,
  extra: readonly (readonly [string, string])[] = [],
): Uint8Array<ArrayBuffer> {
  return writeZip(
    new Map([
      ['Pass00000/data.pkl', Uint8Array.from(join(PROTO, program, STOP))],
      ['Pass00000/byteorder', new TextEncoder().encode('little')],
      ...Object.entries(data).map(([key, view]) => [`Pass00000/data/${key}`, new Uint8Array(view.buffer)] as const),
      ...extra.map(([path, text]) => [path, new TextEncoder().encode(text)] as const),
      ['Pass00000/version', new TextEncoder().encode('3\n')],
    ]),
  );
}
