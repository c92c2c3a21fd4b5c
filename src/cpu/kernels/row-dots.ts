import { dot, DOT_LANES } from './dot';
import { simdDotModule } from './simd-module';

/** Dot products of one weight row at a time with the vectors of some tokens. */
export interface RowDots {
  /** Put the dequantised row here (nIn). */
  readonly row: Float32Array<ArrayBuffer>;
  /** row . x_token, in the order of {@link DOT_LANES}. */
  dot(token: number): number;
  /** Gives back the memory. Nothing of it may be used afterwards. */
  release(): void;
}

/**
 * Dot products with x, in WebAssembly where that can be had and in JavaScript elsewhere: the same bits.
 * @param x (nTokens, nIn)
 */
export function rowDots(x: Float64Array, nTokens: number, nIn: number): RowDots {
  return simdRowDots(x, nTokens, nIn) ?? plainRowDots(x, nIn);
}

/** In JavaScript. */
export function plainRowDots(x: Float64Array, nIn: number): RowDots {
  const row = new Float32Array(nIn);
  return { row, dot: (token) => dot(row, x, token * nIn, nIn), release: () => undefined };
}

interface SimdInstance {
  readonly memory: WebAssembly.Memory;
  readonly dot: (w: number, x: number, end: number) => number;
}

const PAGE_BYTES = 65_536;
/** Larger memories are not kept for the next product: they cannot shrink. */
const KEEP_BYTES = 64 * 2 ** 20;

/** Instances that no product uses at the moment. Two products of one thread may be under way at once. */
const idle: SimdInstance[] = [];
let compiled: WebAssembly.Module | 'unavailable' | undefined;

/** In WebAssembly; undefined where the engine has no SIMD, the page forbids compiling, or memory is short. */
export function simdRowDots(x: Float64Array, nTokens: number, nIn: number): RowDots | undefined {
  // Rows are padded with zeros to whole turns of the loop. A lane never holds -0, so adding 0 * 0 changes no bit.
  const padded = Math.ceil(nIn / DOT_LANES) * DOT_LANES;
  const xStart = padded * Float32Array.BYTES_PER_ELEMENT;
  const stride = padded * Float64Array.BYTES_PER_ELEMENT;
  const instance = takeInstance(xStart + nTokens * stride);
  if (instance === undefined) return undefined;
  const { buffer } = instance.memory;
  new Float32Array(buffer, 0, padded).fill(0);
  const inputs = new Float64Array(buffer, xStart, nTokens * padded);
  if (padded === nIn) inputs.set(x);
  else {
    inputs.fill(0);
    for (let t = 0; t < nTokens; t++) inputs.set(x.subarray(t * nIn, (t + 1) * nIn), t * padded);
  }
  return {
    row: new Float32Array(buffer, 0, nIn),
    dot: (token) => instance.dot(0, xStart + token * stride, xStart),
    release: () => {
      if (buffer.byteLength <= KEEP_BYTES) idle.push(instance);
    },
  };
}

function takeInstance(bytes: number): SimdInstance | undefined {
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

function instantiate(module: WebAssembly.Module): SimdInstance {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { dot: exported } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  if (typeof exported !== 'function') throw new TypeError('the SIMD module exports no dot');
  return { memory, dot: (w, x, end) => Number(exported(w, x, end)) };
}

function compile(): WebAssembly.Module | 'unavailable' {
  try {
    return new WebAssembly.Module(simdDotModule());
  } catch {
    return 'unavailable';
  }
}
