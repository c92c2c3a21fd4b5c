import { toErrorData } from './errors';

/** Waits for both, then throws the first error in order, a cancel last. */
export async function settle<T>(steps: readonly [Promise<T>, Promise<T>]): Promise<readonly [T, T]> {
  const [a, b] = await Promise.allSettled(steps);
  const errors = [a, b].flatMap((r) => (r.status === 'rejected' ? [r.reason as unknown] : []));
  const error = errors.find((e) => toErrorData(e).code !== 'run-cancelled') ?? errors[0];
  if (error !== undefined) throw error;
  if (a.status !== 'fulfilled' || b.status !== 'fulfilled') throw new Error('unreachable');
  return [a.value, b.value];
}
