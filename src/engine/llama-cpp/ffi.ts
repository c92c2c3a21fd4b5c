import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fail, reasonOf } from '../../base/errors';

/** A type of koffi, whatever it is made of. */
export type FfiType = object | string;
/** A native function. Numbers, strings and addresses go in and out as its declaration says. */
export type NativeFunction = (...args: readonly unknown[]) => unknown;

export interface NativeLibrary {
  func(name: string, result: FfiType, args: readonly FfiType[]): NativeFunction;
}

/** What is used of koffi, https://koffi.dev, which is no dependency of this package. Addresses are bigints. */
export interface Ffi {
  config(options: { readonly sync_stack_size: number }): unknown;
  load(path: string): NativeLibrary;
  struct(name: string, fields: Readonly<Record<string, FfiType>>): FfiType;
  array(of: FfiType, length: number, hint?: 'Typed'): FfiType;
  proto(declaration: string): FfiType;
  pointer(type: FfiType): FfiType;
  register(callback: (...args: readonly never[]) => unknown, type: FfiType): unknown;
  alloc(type: FfiType, length: number): unknown;
  encode(to: unknown, type: FfiType, value: unknown): void;
  decode(from: unknown, type: FfiType): unknown;
  address(pointer: unknown): bigint;
}

/** Graph building, regular expressions and shader compilation run on koffi's stack, which is 1 MiB by itself. */
const STACK_BYTES = 16 << 20;

/** Loads koffi from the folder that `moescope setup llama.cpp` filled. @throws TracerError `engine-missing` */
export function loadFfi(folder: string): Ffi {
  try {
    const ffi = createRequire(join(folder, 'package.json'))('koffi') as Ffi;
    ffi.config({ sync_stack_size: STACK_BYTES });
    return ffi;
  } catch (error) {
    throw fail(
      'engine-missing',
      `koffi, which calls llama.cpp, cannot be loaded from ${folder}: ${reasonOf(error)}`,
      'Run moescope setup llama.cpp.',
      { folder },
      error,
    );
  }
}
