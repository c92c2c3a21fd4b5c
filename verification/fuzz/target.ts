import type { ErrorCode } from '../../src/base/errors';
import { seededRandom, type Random } from '../../src/base/random';

/** One kind of file, or text, that a stranger may have written. */
export interface FuzzTarget {
  readonly name: string;
  /** What the input's size accounts for. */
  readonly allows: Allowance;
  /** Milliseconds that a case may take, where it is more than of others: what runs in a thread of its own that can be ended. */
  readonly longestMs?: number;
  /** Codes that a refusal may have. */
  readonly codes: readonly ErrorCode[];
  /** The next case of this generator. */
  make(random: Random): FuzzCase;
}

export interface FuzzCase {
  /** How it was made, for the record of a failure. */
  readonly how: string;
  /** Bytes of the file, or characters of the text. */
  readonly size: number;
  /** Bytes of buffers that it accounts for beside its size: what its packed parts unfold to; absent: none. */
  readonly beside?: number;
  /** Reads it; whether that went through. What a success must hold is checked here, by throwing what is no TracerError. */
  read(): void | Promise<void>;
  /** The input itself, to look into. */
  readonly input: Uint8Array | string;
}

/** Bytes that reading `size` bytes may ask for: `perByte * size + fixed`, and for buffers what the case has `beside`. */
export interface Allowance {
  /** Of array buffers, all that are made together, whether or not they live at the same time. */
  readonly buffers: readonly [perByte: number, fixed: number];
  /** Of the JavaScript heap. */
  readonly heap: readonly [perByte: number, fixed: number];
}

/** The case with this number: the same on every machine. */
export function caseNumber(target: FuzzTarget, seed: number, n: number): FuzzCase {
  return target.make(seededRandom(Math.imul(seed ^ n, 0x9e3779b1) ^ (n >>> 3)));
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[random.below(choices.length)];
  if (chosen === undefined) throw new RangeError('nothing to choose from');
  return chosen;
}

/** True once in `n` times. */
export function oneIn(random: Random, n: number): boolean {
  return random.below(n) === 0;
}
