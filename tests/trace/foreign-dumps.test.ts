import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { matchCaptures } from '../../src/divergence/match-captures';
import { describe, expect, it } from 'vitest';
import { readFileTree, readTraces } from '../../src/trace/read-traces';
import type { Trace } from '../../src/trace/trace';
import type { ReadFiles } from '../../src/trace/trace-files';
import { formatErrorOf } from './arbitrary';

/** Dumps as other tools write them, made with NumPy: `tests/golden/README.md`. */
const ROOT = fileURLToPath(new URL('../golden/dumps/', import.meta.url));
const file = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(`${ROOT}${name}`));
const text = (name: string): string => readFileSync(`${ROOT}${name}`, 'utf8');
const utf8 = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

function folder(
  name: string,
  change: (path: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes,
): ReadFiles {
  const names = readdirSync(`${ROOT}${name}`);
  return readFileTree(new Map(names.map((path) => [path, change(path, file(`${name}/${path}`))])), `dumps/${name}`);
}

function only({ traces }: ReadFiles): Trace {
  const [trace] = traces;
  if (trace === undefined || traces.length > 1) throw new Error(`${traces.length} traces`);
  return trace;
}

const plain = only(folder('f4'));
const KEYS = [
  'layer-0/moe_router_indices',
  'layer-0/post_ffn_residual',
  'layer-1/moe_router_indices',
  'layer-1/post_ffn_residual',
  'lm_head',
];

/** Largest difference to the f4 dump, over the largest value of the array. */
function worst(trace: Trace): number {
  expect([...trace.captures.keys()].sort()).toEqual(KEYS);
  return Math.max(
    ...[...plain.captures].map(([key, captured]) => {
      const other = trace.captures.get(key);
      expect(other?.shape, key).toEqual(captured.shape);
      expect(other?.positions, key).toEqual(captured.positions);
      const scale = Math.max(...[...captured.data].map(Math.abs));
      return Math.max(...[...captured.data].map((value, i) => Math.abs(value - (other?.data[i] ?? NaN)))) / scale;
    }),
  );
}

describe('a folder of arrays as other programs store them', () => {
  it.each([
    ['f8', 0],
    ['fortran', 0],
    ['be', 0],
    ['batch1', 0],
    ['u1ids', 0],
    ['u8ids', 0],
    ['i2ids', 0],
    ['f2', 2 ** -11],
    ['bf16', 2 ** -7],
  ])('%s: the values of f4', (name, rounding) => {
    expect(worst(only(folder(name)))).toBeLessThanOrEqual(rounding);
  });

  it('one row of the last token is placed by the prompt, and by the other arrays', () => {
    const last = only(folder('last'));
    // Nothing says how long the prompt was: one token, whichever it is.
    expect(last.captures.get('lm_head')?.positions).toEqual([0]);
    const whole = folder('f4', (path, bytes) =>
      path === 'result_output.npy' ? file('last/result_output.npy') : bytes,
    );
    expect(only(whole).captures.get('lm_head')?.positions).toEqual([5]);
    expect(only(whole).captures.get('layer-1/post_ffn_residual')?.positions).toEqual([0, 1, 2, 3, 4, 5]);
    const told = new Map([
      ['index.json', utf8('{"tokens": [1, 2, 3, 4, 5, 6]}')],
      ['result_output.npy', file('last/result_output.npy')],
    ]);
    expect(only(readFileTree(told, 'x')).captures.get('lm_head')?.positions).toEqual([5]);
  });

  it('one row of everything is of the last token, beside a trace of more', () => {
    const matched = matchCaptures(only(folder('last')), only(folder('f4')));
    for (const step of matched.steps) {
      for (const [stage, captured] of step.a) {
        expect(captured.positions, stage).toEqual([5]);
        expect([...captured.data], stage).toEqual([...(step.b.get(stage)?.data ?? [])]);
      }
    }
    expect(matched.steps.length).toBe(3);
  });

  it.each([
    ['transp', /rows|axes|elements/],
    ['flat', /axes/],
    ['bf16u2', /floating-point/],
  ])('%s is refused, and told why', (name, why) => {
    const error = formatErrorOf(() => folder(name));
    expect(error.message).toMatch(why);
    expect(error.message).toContain(name);
    if (name === 'bf16u2') expect(error.remedy).toContain('bfloat16');
  });

  it('rows that are neither all nor the last are refused unless the prompt is told', () => {
    const two = (path: string, bytes: Uint8Array): Uint8Array => (path === 'l_out-1.npy' ? rowsOf(bytes, 2) : bytes);
    expect(formatErrorOf(() => folder('f4', two)).remedy).toContain('index.json');
  });

  it('pickled arrays are refused', () => {
    const tree = new Map([['l_out-0.npy', file('pickled.npy')]]);
    expect(formatErrorOf(() => readFileTree(tree, 'x')).message).toContain('|O');
  });
});

/** The first `rows` rows of an f4 `.npy` of six. */
function rowsOf(bytes: Uint8Array, rows: number): Uint8Array {
  const head = 10 + (bytes[8] ?? 0) + 256 * (bytes[9] ?? 0);
  const part = (bytes.length - head) / 6;
  const out = bytes.slice(0, head + rows * part);
  const at = new TextDecoder('latin1').decode(out.subarray(0, head)).indexOf('(6,');
  out[at + 1] = 0x30 + rows;
  return out;
}

describe('other files', () => {
  it('NPZ of names', () => {
    const trace = only(readTraces(file('z.npz'), 'z.npz'));
    expect([...trace.captures.keys()]).toEqual(KEYS.filter((key) => !key.includes('indices')));
    expect(trace.captures.get('lm_head')?.data).toEqual(plain.captures.get('lm_head')?.data);
  });

  it('safetensors with bfloat16, by the names of modules', () => {
    const trace = only(readTraces(file('x.safetensors'), 'x.safetensors'));
    const [captured, exact] = [
      trace.captures.get('layer-0/post_ffn_residual'),
      plain.captures.get('layer-0/post_ffn_residual'),
    ];
    expect(captured?.shape).toEqual(exact?.shape);
    // Cut off, as the script does it: up to one step of 2^-7.
    for (const [i, value] of (exact?.data ?? []).entries())
      expect(Math.abs(value - (captured?.data[i] ?? NaN))).toBeLessThanOrEqual(Math.abs(value) * 2 ** -7);
  });

  it('what llama.cpp prints: whole tensors are read, the others listed, and the trace says that it is rounded', () => {
    // Somebody has cut rows out of it.
    expect(formatErrorOf(() => readTraces(file('cb.txt'), 'cb.txt')).message).toContain(
      'expected 6 entries as the header says, found 1',
    );
    const whole = text('cb.txt')
      .replace('{2, 6, 1, 1}\n', '{2, 2, 1, 1}\n')
      .replace('[ 5, 2],', '[ 5, 2],\n     [ 0, 4],');
    const read = readTraces(utf8(whole), 'cb.txt');
    expect([...(only(read).captures.get('layer-0/moe_router_indices')?.data ?? [])]).toEqual([5, 2, 0, 4]);
    expect(only(read).provenance.decimals).toBe(4);
    const printed = [
      'ggml_debug:               l_out-3 = (f32)        ADD(ffn_moe_out-3{8, 2, 1, 1}, ffn_inp-3{8, 2, 1, 1}}) = {8, 2, 1, 1}',
      '                                     [',
      '                                      [',
      '                                       [      0.1000,      -2.0000,       3.0000, ...,      nan,       7.0000,       8.0000],',
      '                                       [     11.0000,      12.0000,      13.0000, ...,      16.0000,      17.0000,     -inf],',
      '                                      ],',
      '                                     ]',
      '                                     sum = 1.0',
    ].join('\n');
    const both = readTraces(utf8(`main: build = 1\n${whole}${printed}\n`), 'log.txt');
    expect(both.ignored).toEqual(['l_out-3: 12 of 16 values are printed']);
    expect(formatErrorOf(() => readTraces(utf8(printed), 'log.txt')).remedy).toContain('--candidate llama.cpp');
    const broken = printed.replace('      -2.0000', '      -2.0.00');
    expect(formatErrorOf(() => readTraces(utf8(broken), 'log.txt')).message).toContain('line 4');
  });

  it('JSON of nested lists by name', () => {
    const json = JSON.stringify({
      tokens: [7, 8],
      'l_out-0': [
        [1, 2.5],
        ['NaN', -4],
      ],
      result_output: [[1, 2, 3]],
      note: 'x',
    });
    const trace = only(readTraces(utf8(json), 'a.json'));
    expect(trace.provenance).toEqual({ arm: 'a', mode: 'free', tokens: [7, 8] });
    expect(trace.captures.get('layer-0/post_ffn_residual')).toMatchObject({ shape: [2, 2], positions: [0, 1] });
    expect([...(trace.captures.get('layer-0/post_ffn_residual')?.data ?? [])]).toEqual([1, 2.5, NaN, -4]);
    expect(trace.captures.get('lm_head')?.positions).toEqual([1]);
    expect(formatErrorOf(() => readTraces(utf8('{"l_out-0": [[1, 2], [3]]}'), 'a.json')).message).toContain(
      'lists of 2',
    );
    expect(formatErrorOf(() => readTraces(utf8('{"foo": [1]}'), 'a.json')).message).toContain('foo');
  });
});

describe('tables as spreadsheets write them', () => {
  const lf = text('lf.csv');
  const values = (csv: string): readonly number[] => [
    ...(only(readTraces(utf8(csv), 'x.csv')).captures.get('layer-1/post_ffn_residual')?.data ?? []),
  ];
  const expected = values(lf);
  const quoted = lf.replace(/[^,\n]+/g, '"$&"').replaceAll(',,', ',"",');
  it.each([
    ['a mark before the header', `\ufeff${lf}`],
    ['line ends of Windows', lf.replaceAll('\n', '\r\n')],
    ['semicolons and decimal commas', lf.replaceAll(',', ';').replaceAll('.', ',')],
    ['tabs', lf.replaceAll(',', '\t')],
    ['quotes around everything', quoted],
  ])('%s', (_, csv) => {
    expect(expected.length).toBeGreaterThan(100);
    expect(values(csv)).toEqual(expected);
  });

  it('nan however it is spelt', () => {
    const lines = lf.split('\n');
    const odd = lines.map((line, i) =>
      i > 0 && line !== '' ? line.replace(/[^,]+$/, ['nan', 'NaN', '-inf', 'Infinity'][i % 4] ?? '') : line,
    );
    expect(new Set(values(odd.join('\n')).map(String))).toEqual(new Set(['NaN', '-Infinity', 'Infinity']));
  });

  it('decimal commas between commas are told as that', () => {
    const error = formatErrorOf(() => readTraces(utf8(lf.replaceAll('.', ',')), 'x.csv'));
    expect(error.remedy).toContain('semicolons');
  });
});
