import { MUTATION_KINDS, MUTATIONS } from '../../src/selftest/mutations';

/** The defects as `docs/selftest.md` lists them. All are seen: the test beside this file says so. */
export function mutationTable(): string {
  const rows = MUTATIONS.map(
    ({ kernel, type = '', kind, what }) => `| ${kernel} | ${type} | ${kind} | ${what} | red |`,
  );
  const counts = MUTATION_KINDS.map((kind) => {
    const { length } = MUTATIONS.filter((mutation) => mutation.kind === kind);
    return `${kind} ${length} of ${length}`;
  });
  const { length } = MUTATIONS;
  return [
    `**${length} of ${length}** turn it red on SwiftShader: ${counts.join(', ')}.`,
    '',
    '| kernel | type | kind | what goes wrong | |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
