import { strToU8 } from 'fflate';
import { describe, expect, it } from 'vitest';
import { fileKind, kindOfHead } from '../../src/store/file-kind';
import { encodeAprt } from '../../src/trace/aprt';
import { encodeNpy } from '../../src/trace/npy';
import { writeZip } from '../../src/trace/zip';

describe('what a dropped file is for', () => {
  it.each([
    ['gpu.npz', writeZip(new Map([['a.npy', new Uint8Array(3)]])), 'trace'],
    ['moe_router.bin', encodeAprt(0, Float32Array.of(1)), 'trace'],
    ['kqv_out-0.npy', encodeNpy({ type: 'f4', shape: [1], data: Float32Array.of(1) }), 'trace'],
    ['picture', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), 'trace'],
    ['report.json', strToU8('\n {"schema":"moescope-report/1"}'), 'trace'],
    ['picture.svg', strToU8('\ufeff<?xml version="1.0"?><svg/>'), 'trace'],
    ['rows.csv', strToU8('arm,layer,stage,position'), 'trace'],
    ['model', strToU8('GGUF....'), 'model'],
    ['{odd}.gguf', strToU8('{'), 'model'],
    ['damaged.csv', strToU8('arm;layer\n'), 'trace'],
    ['nothing.json', strToU8('null'), 'trace'],
    ['renamed.json', strToU8('GGUF....'), 'model'],
    ['cat.jpg', strToU8('this is a picture of a cat'), 'model'],
    ['empty', new Uint8Array(0), 'model'],
  ] as const)('%s', async (name, bytes, kind) => {
    expect(kindOfHead(bytes, name)).toBe(kind);
    expect(await fileKind({ kind: 'blob', name, blob: new Blob([Uint8Array.from(bytes)]) })).toBe(kind);
  });

  it('an address is a model', async () => {
    expect(await fileKind({ kind: 'http', url: 'https://example.org/a.json' })).toBe('model');
  });
});
