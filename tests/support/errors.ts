import { TracerError, type ErrorCode } from '../../src/base/errors';

/** The TracerError that `work` fails with. Anything else, or success, fails the test. */
export async function tracerErrorOf(work: () => unknown): Promise<TracerError> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    if (error instanceof TracerError) return error;
    throw new Error(`not a TracerError: ${String(error)}`, { cause: error });
  }
  throw new Error(`no error; got ${String(result)}`);
}

/** Just the code. */
export async function codeOf(work: () => unknown): Promise<ErrorCode> {
  return (await tracerErrorOf(work)).code;
}
