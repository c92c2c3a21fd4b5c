import { fail } from '../base/errors';

/** Checks that [offset, offset + length) lies inside a source of `size` bytes. @throws TracerError `source-read`. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (whole && offset + length <= size) return;
  throw fail(
    'source-read',
    `Bytes ${offset} to ${offset + length} were asked of ${name}, which has ${size} bytes.`,
    'The file is shorter than its header says, or was cut off. Download it again.',
    { source: name, offset, length, size },
  );
}

/** The error of a source whose content is no longer what it was when it was opened. */
export function changed(name: string, what: string, detail: Record<string, string | number> = {}, cause?: unknown) {
  return fail(
    'source-changed',
    `${name} changed while it was being read: ${what}.`,
    'Open the file again; do not write to it during a run.',
    { source: name, ...detail },
    cause,
  );
}
