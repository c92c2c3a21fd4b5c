import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { compileShader, expand } from '../../src/gpu/shader-source';
import { testContext } from '../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

const FILES = new Map([
  ['main.wgsl', '// head\n#include "lib/a.wgsl"\n#include <chosen>\nfn tail() {}'],
  ['lib/a.wgsl', '#include "lib/b.wgsl"\nfn a() -> f32 { return b(); }'],
  ['lib/b.wgsl', 'fn b() -> f32 {\n  return 1.0;\n}'],
  ['lib/c.wgsl', '#include "lib/b.wgsl"\nfn c() -> f32 {\n  return missing;\n}'],
]);

describe('expand', () => {
  it('puts each file in once, at its first mention, and knows where every line is from', () => {
    const source = expand('main.wgsl', { includes: { chosen: 'lib/a.wgsl' } }, FILES);
    expect(source.code.split('\n')).toEqual([
      '// head',
      'fn b() -> f32 {',
      '  return 1.0;',
      '}',
      'fn a() -> f32 { return b(); }',
      'fn tail() {}',
    ]);
    expect(source.lines.map(({ file, line }) => `${file}:${line}`)).toEqual([
      'main.wgsl:1',
      'lib/b.wgsl:1',
      'lib/b.wgsl:2',
      'lib/b.wgsl:3',
      'lib/a.wgsl:2',
      'main.wgsl:4',
    ]);
  });

  it('includes a file once more under other names', () => {
    const files = new Map([
      ['main.wgsl', '#include <rows> as Up\n#include <rows> as Down\nfn main() { dotUp(); }'],
      ['rows.wgsl', '#include <type>\nconst N = 2u;\nfn dot() -> u32 { return weights[N] + load().N; }'],
      ['a.wgsl', 'fn load() -> A { return A(); }'],
      ['b.wgsl', 'fn load() -> B { return B(); }'],
    ]);
    const chosen = { rows: 'rows.wgsl', typeUp: 'a.wgsl', type: 'b.wgsl' };
    expect(expand('main.wgsl', { includes: chosen }, files).code.split('\n')).toEqual([
      'fn loadUp() -> A { return A(); }',
      'const NUp = 2u;',
      'fn dotUp() -> u32 { return weightsUp[NUp] + loadUp().N; }',
      'fn loadDown() -> B { return B(); }',
      'const NDown = 2u;',
      'fn dotDown() -> u32 { return weightsDown[NDown] + loadDown().N; }',
      'fn main() { dotUp(); }',
    ]);
  });

  it('puts constants where the text asks for them, and keeps lines', () => {
    const files = new Map([['main.wgsl', '// rows\n#const ROWS\nfn main() { var sums: array<f32, ROWS>; }']]);
    const { code, lines } = expand('main.wgsl', { consts: { ROWS: 4 } }, files);
    expect(code.split('\n')).toEqual(['// rows', 'const ROWS = 4u;', 'fn main() { var sums: array<f32, ROWS>; }']);
    expect(lines.map(({ line }) => line)).toEqual([1, 2, 3]);
    expect(() => expand('main.wgsl', {}, files)).toThrow('main.wgsl:2 wants the constant ROWS');
  });

  it('says which file or choice is missing', () => {
    expect(() => expand('main.wgsl', {}, FILES)).toThrow('main.wgsl:3 includes <chosen>');
    expect(() => expand('main.wgsl', { includes: { chosen: 'lib/z.wgsl' } }, FILES)).toThrow('lib/z.wgsl');
  });
});

describe('compileShader', () => {
  it('names the file and line of an error, not those of the expanded text', async () => {
    const source = expand('main.wgsl', { includes: { chosen: 'lib/c.wgsl' } }, FILES);
    await expect(compileShader(context.device, source)).rejects.toMatchObject({
      code: 'gpu-shader',
      detail: { file: 'lib/c.wgsl', line: 3 },
    });
  });
});
