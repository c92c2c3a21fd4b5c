import type { Grid } from '../../types/lib/grid';
import { QUANT_TYPES, TYPES, typeOf, type QuantType } from '../../types/types';
import { base64 } from '../../../wasm/kernels.ts?assemblyscript';

/** Dequantises `n` elements at the address `bytes` to f32 at the address `out`. */
export type SimdDequantise = (bytes: number, out: number, n: number) => void;

/** Where each grid lies in an instance's memory, and where the memory of products begins: behind all of them, on 16 bytes. */
const GRIDS = new Map<Grid, number>();
let end = 0;
for (const { grid } of TYPES) {
  if (grid === undefined || GRIDS.has(grid)) continue;
  GRIDS.set(grid, end);
  end += grid.entries.length;
}
/** First byte of an instance's memory that a product may use. */
export const FREE_FROM = Math.ceil(end / 16) * 16;

/** An instance of `wasm/kernels.ts` with a memory of its own. Addresses are bytes in that memory; products leave those below `FREE_FROM` alone. */
export interface SimdInstance {
  readonly memory: WebAssembly.Memory;
  readonly dequantise: Readonly<Record<QuantType, SimdDequantise>>;
  /** y_tr = row_r . x_t for every token and row of `n`, a multiple of 8; y of the next token lies `yStride` bytes on. */
  readonly dots: (row: number, rows: number, n: number, x: number, tokens: number, y: number, yStride: number) => void;
  /** Two dequantised rows, and four tokens' vectors, as `blocks` reads them; the next row or token lies `stride` bytes on. */
  readonly packPair: (rows: number, stride: number, n: number, to: number) => void;
  readonly packQuad: (x: number, stride: number, n: number, to: number) => void;
  /** The same products of packed pairs of rows and packed fours of tokens, with 256 bytes a pair at `parts` to work in. */
  readonly blocks: (
    packed: number,
    rows: number,
    n: number,
    x: number,
    quads: number,
    parts: number,
    y: number,
    yStride: number,
  ) => void;
  /** out_k = q . key_k / root; the next key lies `stride` bytes on. */
  readonly scores: (
    q: number,
    keys: number,
    stride: number,
    headDim: number,
    nKeys: number,
    root: number,
    out: number,
  ) => void;
  /** out_d = sum_k weights_k * value_kd; the next value lies `stride` bytes on. */
  readonly weighted: (
    weights: number,
    nKeys: number,
    values: number,
    stride: number,
    headDim: number,
    out: number,
  ) => void;
  /** Two rows of sizes, and four tokens', as `sizeBlocks` reads them; the next row or token lies `stride` bytes on. */
  readonly packSizePair: (rows: number, stride: number, n: number, to: number, tiny: number) => void;
  readonly packSizeQuad: (x: number, stride: number, n: number, to: number) => void;
  /** The products of packed pairs of rows and packed fours of tokens in f32, times the f64 of the token, with 256 bytes a pair at `parts`. */
  readonly sizeBlocks: (
    packed: number,
    rows: number,
    n: number,
    x: number,
    quads: number,
    factors: number,
    parts: number,
    y: number,
    yStride: number,
  ) => void;
  /** y_tr = (|row_r| + tiny) . x_t in f32, times the f64 of the token. */
  readonly sizes: (
    row: number,
    rows: number,
    n: number,
    x: number,
    tokens: number,
    factors: number,
    y: number,
    yStride: number,
    tiny: number,
  ) => void;
}

const PAGE_BYTES = 65_536;
/** Larger memories are not kept for the next product: they cannot shrink. */
const KEEP_BYTES = 64 * 2 ** 20;

/** Instances that no product uses at the moment. Two products of one thread may be under way at once. */
const idle: SimdInstance[] = [];
let compiled: WebAssembly.Module | 'unavailable' | undefined;

/** An instance with at least `bytes` of memory; undefined where the engine has no SIMD, the page forbids compiling, or memory is short. */
export function takeInstance(bytes: number): SimdInstance | undefined {
  const module = (compiled ??= compile());
  if (module === 'unavailable') return undefined;
  try {
    const instance = idle.pop() ?? instantiate(module);
    const missing = bytes - instance.memory.buffer.byteLength;
    if (missing > 0) instance.memory.grow(Math.ceil(missing / PAGE_BYTES));
    return instance;
  } catch {
    // Out of address space: JavaScript needs none.
    return undefined;
  }
}

/** Takes an instance back that nobody will use any more. */
export function giveInstance(instance: SimdInstance): void {
  if (instance.memory.buffer.byteLength <= KEEP_BYTES) idle.push(instance);
}

function compile(): WebAssembly.Module | 'unavailable' {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  } catch {
    return 'unavailable';
  }
}

function byType<T>(make: (type: QuantType) => T): Readonly<Record<QuantType, T>> {
  // Every name is a key.
  return Object.fromEntries(QUANT_TYPES.map((type) => [type, make(type)])) as Record<QuantType, T>;
}

function instantiate(module: WebAssembly.Module): SimdInstance {
  const memory = new WebAssembly.Memory({ initial: 1 });
  for (const [grid, at] of GRIDS) new Int8Array(memory.buffer).set(grid.entries, at);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const named = (name: string): ((...args: readonly number[]) => void) => {
    const found = exports[name];
    if (typeof found !== 'function') throw new TypeError(`wasm/kernels.ts exports no ${name}`);
    // WebAssembly's own functions are called without a wrapper: a row costs two such calls.
    return found as (...args: readonly number[]) => void;
  };
  return {
    memory,
    dequantise: byType((type) => {
      const dequantise = named(`dequantise${type}`);
      const { grid } = typeOf(type);
      if (grid === undefined) return dequantise;
      const at = GRIDS.get(grid) ?? 0;
      return (bytes, out, n) => {
        dequantise(bytes, out, n, at);
      };
    }),
    dots: named('dots'),
    packPair: named('packPair'),
    packQuad: named('packQuad'),
    blocks: named('blocks'),
    scores: named('scores'),
    weighted: named('weighted'),
    packSizePair: named('packSizePair'),
    packSizeQuad: named('packSizeQuad'),
    sizeBlocks: named('sizeBlocks'),
    sizes: named('sizes'),
  };
}
