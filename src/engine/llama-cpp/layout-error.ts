import { fail, type TracerError } from '../../base/errors';

/** `engine-layout`: a struct of the library is not what this version understands. Nothing has been passed to it yet. */
export function layoutError(struct: string, found: string): TracerError {
  return fail(
    'engine-layout',
    `${struct} of this llama.cpp is laid out in a way that MoEscope does not know: ${found}.`,
    'Nothing was run. Use llama.cpp of September 2025 (b6325) or later, or what moescope setup llama.cpp installs; if it is newer than this MoEscope, update MoEscope.',
    { struct, found },
  );
}
