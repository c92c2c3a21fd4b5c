import { reasonOf } from '../../base/errors';
import { visible } from '../../base/foreign-text';
import { ATLAS_SCHEMA, MOST_CHARS, type AtlasEntry, type AtlasKernel } from './entry';

/** Characters of an entry's file: one of all kernels has 5,000. */
export const MOST_ENTRY_CHARS = 100_000;
/** Kernels of an entry; this version has about 60. */
const MOST_KERNELS = 500;
/** Cases of a kernel. */
const MOST_CASES = 1e6;

const TEXTS = ['version', 'month', 'vendor', 'device', 'driver', 'browser'] as const;
const MEMBERS = ['schema', ...TEXTS, 'software', 'kernels', 'signedOff'];
const KERNEL_MEMBERS = ['kernel', 'pass', 'fail', 'idle', 'worst'];

/**
 * Reads an entry that a stranger wrote: every member as it must be, and no other, since what is not known may be somebody's name.
 * @returns the entry, or why it is none
 */
export function readAtlasEntry(text: string): AtlasEntry | string {
  if (text.length > MOST_ENTRY_CHARS) return `more than ${MOST_ENTRY_CHARS} characters`;
  try {
    return entryOf(JSON.parse(text));
  } catch (error) {
    return error instanceof SyntaxError ? 'no JSON' : reasonOf(error);
  }
}

function entryOf(value: unknown): AtlasEntry {
  const at = membersOf(value, 'the file', MEMBERS);
  if (at('schema') !== ATLAS_SCHEMA) throw new Error(`its schema is not ${ATLAS_SCHEMA}`);
  if (at('signedOff') !== true) throw new Error('nobody has signed it off');
  const software = at('software');
  if (typeof software !== 'boolean') throw new Error('software is neither true nor false');
  const month = textOf(at('month'), 'month');
  if (!/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month)) throw new Error('month is no month');
  const kernels = at('kernels');
  if (!Array.isArray(kernels) || kernels.length === 0 || kernels.length > MOST_KERNELS) {
    throw new Error(`kernels is no list of 1 to ${MOST_KERNELS}`);
  }
  const read = kernels.map(kernelOf);
  if (new Set(read.map(({ kernel }) => kernel)).size < read.length) throw new Error('a kernel is there twice');
  const text = (name: (typeof TEXTS)[number]): string => textOf(at(name), name);
  return {
    schema: ATLAS_SCHEMA,
    version: text('version'),
    month,
    vendor: text('vendor'),
    device: text('device'),
    driver: text('driver'),
    software,
    browser: text('browser'),
    kernels: read,
    signedOff: true,
  };
}

function kernelOf(value: unknown): AtlasKernel {
  const at = membersOf(value, 'a kernel', KERNEL_MEMBERS);
  const kernel = textOf(at('kernel'), 'a kernel');
  if (!/^[\w/ .+-]+$/.test(kernel)) throw new Error('a kernel has no name of one');
  const worst = at('worst');
  const isRatio = typeof worst === 'number' && Number.isFinite(worst) && worst >= 0;
  if (worst !== undefined && !isRatio) throw new Error(`worst of ${kernel} is no ratio`);
  return {
    kernel,
    pass: countOf(at('pass'), kernel),
    fail: countOf(at('fail'), kernel),
    idle: countOf(at('idle'), kernel),
    ...(isRatio ? { worst } : {}),
  };
}

/** Own members alone: a file may name those of every object. */
function membersOf(value: unknown, what: string, known: readonly string[]): (name: string) => unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  const members = new Map<string, unknown>(Object.entries(value));
  const other = [...members.keys()].find((name) => !known.includes(name));
  if (other !== undefined) throw new Error(`${what} holds what no entry has: ${visible(other.slice(0, 40))}`);
  return (name) => members.get(name);
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${name} is no text`);
  if (value.length > MOST_CHARS) throw new Error(`${name} has more than ${MOST_CHARS} characters`);
  if (visible(value) !== value) throw new Error(`${name} holds characters that are not seen`);
  return value;
}

function countOf(value: unknown, kernel: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_CASES) return value;
  throw new Error(`a count of ${kernel} is none`);
}
