import { describe, expect, it } from 'vitest';
import { QUANT_TYPES } from '../../src/gguf/ggml-types';
import { FUSIONS } from '../../src/fusions/fusions';
import { ARGMAX_LAST, ARGMAX_PARTS } from '../../src/gpu/decode/argmax';
import type { KernelSpec, KernelVariant } from '../../src/ops/kernel-spec';
import { KERNELS } from '../../src/gpu/kernel-table';
import { SUBGROUP_LANES } from '../../src/gpu/matmul/subgroup-lanes';
import { MATMUL_KERNELS } from '../../src/gpu/matmul/variants';
import { SELFTEST_CASES } from '../../src/selftest/all-cases';
import { selectCases } from '../../src/selftest/select-cases';
import type { CaseWork, SelftestCase } from '../../src/selftest/selftest-case';

/** subgroup_lanes.wgsl asks the adapter what its subgroups are: there is no right answer. The shaders of `faults/` are wrong on purpose. */
const ASKED: readonly KernelSpec[] = [SUBGROUP_LANES];
const DECODE: readonly KernelSpec[] = [...FUSIONS.flatMap(({ kernels }) => kernels), ARGMAX_PARTS, ARGMAX_LAST];

const name = ({ kernel, types, shape }: SelftestCase): string => `${kernel}, ${types.join(' ')}: ${shape}`;

const textOf = ({ includes = {}, consts = {} }: KernelVariant): string => JSON.stringify([includes, consts]);

/** Making all of them on a busy machine. */
const MAKING_MS = 180_000;

/** The case's work; an error says whose. */
function attempt(one: SelftestCase): CaseWork {
  try {
    return one.make();
  } catch (error) {
    throw new Error(`${name(one)} cannot be made`, { cause: error });
  }
}

describe('the cases', () => {
  it('cover every kernel of every table', () => {
    const covered = new Set(SELFTEST_CASES.map(({ spec }) => spec.file));
    const all = [...KERNELS, ...MATMUL_KERNELS, ...DECODE].filter((spec) => !ASKED.includes(spec));
    expect([...new Set(all.map(({ file }) => file))].filter((file) => !covered.has(file))).toEqual([]);
  });

  it('cover every text that a variant of a kernel may have', () => {
    for (const spec of KERNELS) {
      const own = SELFTEST_CASES.filter((one) => one.spec.file === spec.file);
      const texts = new Set(own.map(({ variant }) => textOf(variant)));
      for (const variant of spec.variants) {
        expect(texts.has(textOf(variant)), `${spec.file} ${variant.id}`).toBe(true);
      }
    }
  });

  it('cover every type with every kernel that reads weights', () => {
    const readers = [...MATMUL_KERNELS, ...DECODE].filter(
      (spec) => spec.weights.length > 0 || spec.file === 'repack_plane.wgsl',
    );
    for (const { file } of readers) {
      const types = new Set(SELFTEST_CASES.filter(({ spec }) => spec.file === file).flatMap((one) => one.types));
      expect([...types].sort(), file).toEqual([...QUANT_TYPES].sort());
    }
  });

  it('have a name of their own each', () => {
    const names = SELFTEST_CASES.map(name);
    expect(names.filter((one, i) => names.indexOf(one) !== i)).toEqual([]);
  });

  // Those too that no software adapter runs: a case that cannot be made ends the self-test of a hardware adapter.
  it('can all be made, and promise something of nearly every value', { timeout: MAKING_MS }, () => {
    let [all, unbounded, checked] = [0, 0, 0];
    for (const one of SELFTEST_CASES) {
      const { outputs, expected } = attempt(one);
      expect(Object.keys(expected).sort(), name(one)).toEqual([...one.spec.outputs].sort());
      for (const [output, { bounds, values }] of Object.entries(expected)) {
        const before = outputs[output];
        expect(bounds.length, name(one)).toBe(typeof before === 'number' ? before : before?.length);
        all += bounds.length;
        bounds.forEach((bound, i) => {
          // Where infinities or NaN go in, they must come out: that is a promise too.
          if (bound === Infinity && Number.isFinite(values[i])) unbounded++;
          if (bound >= 0 && bound < Math.abs(values[i] ?? NaN)) checked++;
        });
      }
    }
    // Where f32 overflows nothing is promised; what is flushed, zero or exact is not below its own size.
    expect(unbounded / all).toBeLessThan(0.001);
    expect(checked / all).toBeGreaterThan(0.3);
  });
});

describe('selectCases', () => {
  it('takes kernels by name and by beginning, and types whatever their case', () => {
    const some = selectCases(SELFTEST_CASES, { kernels: ['fusions/', 'linear_naive', 'add'], types: ['q4_k', 'f32'] });
    const kernels = new Set(some.map(({ kernel }) => kernel));
    expect(kernels).toContain('fusions/head');
    expect(kernels).toContain('linear_naive lane');
    expect(kernels).toContain('add');
    expect(kernels).not.toContain('top_k');
    expect(selectCases(SELFTEST_CASES, {})).toHaveLength(SELFTEST_CASES.length);
  });

  it.each([
    [{ kernels: ['matmul'] }, /no kernel "matmul"/],
    [{ types: ['q9'] }, /no type "q9"/],
    [{ kernels: ['add'], types: ['Q4_K'] }, /No case has both/],
  ])('refuses %o', (choice, message) => {
    expect(() => selectCases(SELFTEST_CASES, choice)).toThrow(message);
  });
});
