import { fail } from '../base/errors';
import { joinWords } from '../base/format';
import type { SelftestCase } from './selftest-case';

/** Which cases are wanted; all where nothing is said. */
export interface SelftestChoice {
  /** Kernels by name or by the beginning of it: `decode/` are all of them. */
  readonly kernels?: readonly string[] | undefined;
  /** Types by name, whatever the case. */
  readonly types?: readonly string[] | undefined;
}

/**
 * The cases of a choice, in their order.
 * @throws TracerError `usage` for a kernel or type that no case has
 */
export function selectCases(
  cases: readonly SelftestCase[],
  { kernels, types }: SelftestChoice,
): readonly SelftestCase[] {
  const allKernels = [...new Set(cases.map(({ kernel }) => kernel))];
  const allTypes = [...new Set(cases.flatMap((one) => one.types))];
  for (const kernel of kernels ?? []) {
    if (!allKernels.some((name) => isKernel(name, kernel))) throw unknown('kernel', kernel, allKernels);
  }
  for (const type of types ?? []) {
    if (!allTypes.some((name) => isType(name, type))) throw unknown('type', type, allTypes);
  }
  const chosen = cases.filter(
    (one) =>
      (kernels === undefined || kernels.some((kernel) => isKernel(one.kernel, kernel))) &&
      (types === undefined || types.some((type) => one.types.some((name) => isType(name, type)))),
  );
  if (chosen.length > 0) return chosen;
  throw fail('usage', 'No case has both such a kernel and such a type.', 'Leave one of the two away.');
}

/** `decode/` begins names; `add` is a name, and `linear_naive` one of two words. */
function isKernel(name: string, wanted: string): boolean {
  return name === wanted || (wanted.endsWith('/') ? name.startsWith(wanted) : name.startsWith(`${wanted} `));
}

function isType(name: string, wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase();
}

function unknown(what: 'kernel' | 'type', actual: string, known: readonly string[]): Error {
  return fail('usage', `The self-test has no ${what} "${actual}".`, `There are ${joinWords(known)}.`, { actual });
}
