import { fail, reasonOf } from '../base/errors';
import { formatBytes } from '../base/format';

/**
 * What a failed write means to a person: `usage`, saying whether the file is there, the disk is full, or the place is forbidden. A TracerError
 * stays what it is.
 * @param needed bytes that all files need together, where they are known
 */
export function writeError(path: string, error: unknown, needed?: number): unknown {
  if (error instanceof Error && error.name === 'TracerError') return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = reasonOf(error);
  if (code === 'EEXIST') {
    return fail('usage', `${path} is there already.`, 'Give another name, or --force to replace it.', { path }, error);
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    const size = needed === undefined ? '' : ` The model needs ${formatBytes(needed)}.`;
    const message = `There is no room for ${path}: ${reason}.${size}`;
    const detail = { path, reason, ...(needed === undefined ? {} : { needed }) };
    return fail('usage', message, 'Free some space, or write to another disk.', detail, error);
  }
  const remedy = 'Give a place that you may write to.';
  return fail('usage', `${path} cannot be written: ${reason}.`, remedy, { path, reason }, error);
}
