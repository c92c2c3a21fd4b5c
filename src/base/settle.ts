import { toErrorData } from './errors';

/** Waits for both, then throws the first error in order, a cancel last. */
export async function settle<T>(steps: readonly [Promise<T>, Promise<T>]): Promise<readonly [T, T]> {
  await settleAll(steps);
  return Promise.all(steps);
}

/** {@link settle} of any number. */
export async function settleAll<T>(steps: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(steps);
  const errors = results.flatMap((r) => (r.status === 'rejected' ? [r.reason as unknown] : []));
  const error = errors.find((e) => toErrorData(e).code !== 'run-cancelled') ?? errors[0];
  if (error !== undefined) throw error;
  return results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
}
