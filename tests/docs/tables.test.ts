import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures';
import { gamma, PRODUCT_ROUNDINGS } from '../../src/base/f32-error';
import { TENSOR_FORMATS } from '../../src/cli/trace/trace-options';
import { ARITHMETICS } from '../../src/judge/arithmetics';
import { ENGINES } from '../../src/model/engines';
import { FAULTS, faultStages } from '../../src/model/faults';
import { DEFECTS } from '../../src/selftest/defects';
import { DEFECT_KINDS } from '../../src/types/define-type';
import { TYPES } from '../../src/types/types';
import { MISTAKES } from '../families/mistakes';
import { CERTAIN } from '../support/certain';
import { generatedPart } from '../support/generated-part';

/* Tables of the documentation that the code holds. `npm run docs` writes them, this test says when they are out of date. */

/** The seeded defects: `tests/selftest/defects.test.ts` wants each to be seen. */
function defectTable(): string {
  const counts = DEFECT_KINDS.map((kind) => `${kind} ${DEFECTS.filter((defect) => defect.kind === kind).length}`);
  return [
    `**${DEFECTS.length} defects**: ${counts.join(', ')}.`,
    '',
    '| kernel | type | kind | what goes wrong |',
    '|---|---|---|---|',
    ...DEFECTS.map(({ kernel, type = '', kind, what }) => `| ${kernel} | ${type} | ${kind} | ${what} |`),
  ].join('\n');
}

/** What `--inject` takes. */
function faultTable(): string {
  const rows = FAULTS.map((fault) => {
    const { kind, what, mutates, stages, byDefault, parameters, visible } = fault;
    const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
    const due =
      stages.length > 0 || byDefault.length > 1 ? code(faultStages({ kind, layer: 0 })) : 'where its tensor is read';
    return `| \`${kind}\` | ${what} | ${mutates} | ${due} | ${code(parameters) || '–'} | ${visible} |`;
  });
  return [
    '| fault | what goes wrong | what is mutated | stages at fault, the first is blamed | takes | visible when |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** What `tests/families/mistakes.test.ts` computes wrongly. */
function mistakeTable(): string {
  const rows = Object.entries(MISTAKES).flatMap(([name, mistakes]) =>
    mistakes.map(({ what, stage }) => `| ${name} | ${what} | \`${stage}\` |`),
  );
  return ['| golden model | mistake | stage that is blamed |', '|---|---|---|', ...rows].join('\n');
}

/** From which share of sum |w x| on an error of a product is certain to be seen: an honest engine takes one bound of it away. */
function limitTable(): string {
  const lengths = [64, 256, 768, 2048, 4096];
  const limit = (n: number, excess: number): string =>
    (CERTAIN * (gamma(n + PRODUCT_ROUNDINGS) + excess)).toExponential(1);
  const names = (of: (activations: string) => boolean): string =>
    TYPES.filter(({ activations }) => of(activations))
      .map(({ name }) => name)
      .join(', ');
  const onCpu: Readonly<Record<string, string>> = {
    f32: names((activations) => activations === 'f32'),
    'q8-activations': names((activations) => activations !== 'f32'),
  };
  return [
    `| arithmetic | types, on llama.cpp's CPU | ${lengths.map((n) => `rows of ${n}`).join(' | ')} |`,
    `|---|---|${lengths.map(() => '---|').join('')}`,
    ...ARITHMETICS.map(
      ({ id, excess }) => `| \`${id}\` | ${onCpu[id] ?? ''} | ${lengths.map((n) => limit(n, excess(n))).join(' | ')} |`,
    ),
  ].join('\n');
}

/** Each once, by what stands in the tables of the code. */
function supportTable(): string {
  const list = (items: readonly string[]): string => items.join(', ');
  return [
    '| what | which |',
    '|---|---|',
    `| architectures | ${list(ARCHITECTURES.map(({ name, title, example }) => `**${title}** (\`${name}\`, for example ${example})`))} |`,
    `| weight types | ${list(TYPES.map(({ name }) => name))} |`,
    `| engines | ${[...ENGINES.map(({ name, what }) => `\`${name}\` (${what})`), '`llama.cpp` (a real one, live)'].join('; ')} |`,
    `| saved tensors | ${list(TENSOR_FORMATS.map((format) => `\`${format}\``))} |`,
    `| dumps that are read | APRT, NPZ, NPY, safetensors, PyTorch \`.pt\`, JSON, CSV, what llama.cpp prints (capture/FORMAT.md) |`,
  ].join('\n');
}

it.each([
  ['README.md', 'supported', supportTable()],
  ['docs/selftest.md', 'defects', defectTable()],
  ['docs/faults.md', 'faults', faultTable()],
  ['docs/faults.md', 'mistakes', mistakeTable()],
  ['docs/judge.md', 'limits', limitTable()],
])('%s holds the table of %s as the code has it', (file, name, table) => {
  const part = generatedPart(readFileSync(file, 'utf8'), name);
  if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, part.with(table));
  else expect(part.text).toBe(table);
});
