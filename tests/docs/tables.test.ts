import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures';
import { TENSOR_FORMATS } from '../../src/cli/trace/trace-options';
import { RUN_ARMS } from '../../src/model/arms';
import { FAULTS, faultStages } from '../../src/model/faults';
import { DEFECTS } from '../../src/selftest/defects';
import { DEFECT_KINDS } from '../../src/types/define-type';
import { TYPES } from '../../src/types/types';
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

/** Each once, by what stands in the tables of the code. */
function supportTable(): string {
  const list = (items: readonly string[]): string => items.join(', ');
  return [
    '| what | which |',
    '|---|---|',
    `| architectures | ${list(ARCHITECTURES.map(({ name, title, example }) => `**${title}** (\`${name}\`, for example ${example})`))} |`,
    `| weight types | ${list(TYPES.map(({ name }) => name))} |`,
    `| engines | ${[...RUN_ARMS.map(({ id, what }) => `\`${id}\` (${what})`), '`llama.cpp` (a real one, live)'].join('; ')} |`,
    `| saved tensors | ${list(TENSOR_FORMATS.map((format) => `\`${format}\``))} |`,
    `| dumps that are read | APRT, NPZ, NPY, safetensors, PyTorch \`.pt\`, JSON, CSV, what llama.cpp prints (capture/FORMAT.md) |`,
  ].join('\n');
}

it.each([
  ['README.md', 'supported', supportTable()],
  ['docs/selftest.md', 'defects', defectTable()],
  ['docs/faults.md', 'faults', faultTable()],
])('%s holds the table of %s as the code has it', (file, name, table) => {
  const part = generatedPart(readFileSync(file, 'utf8'), name);
  if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, part.with(table));
  else expect(part.text).toBe(table);
});
