import { MUTATION_KINDS, MUTATIONS } from '../../src/selftest/mutations';

/** The defects as `docs/selftest.md` lists them, and how many are seen. */
export function mutationTable(): string {
  const rows = MUTATIONS.map(
    ({ kernel, type = '', kind, what, survives }) =>
      `| ${kernel} | ${type} | ${kind} | ${what} | ${survives === undefined ? 'red' : 'survives'} |`,
  );
  const counts = MUTATION_KINDS.map((kind) => {
    const own = MUTATIONS.filter((mutation) => mutation.kind === kind);
    const seen = own.filter(({ survives }) => survives === undefined);
    return `${kind} ${seen.length} of ${own.length}`;
  });
  const seen = MUTATIONS.filter(({ survives }) => survives === undefined).length;
  return [
    `**${seen} of ${MUTATIONS.length}** turn it red on SwiftShader: ${counts.join(', ')}.`,
    '',
    '| kernel | type | kind | what goes wrong | |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
