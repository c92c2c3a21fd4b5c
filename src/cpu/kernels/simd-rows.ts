import { rowBytes } from '../../gguf/ggml-types';
import { TINY } from '../../ops/rounding';
import { DOT_LANES } from './dot';
import { sizesOf } from './plain-rows';
import type { RowProducts, RowsWork } from './rows-work';
import { FREE_FROM, giveInstance, takeInstance } from './simd-module';

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;
const F64_BYTES = Float64Array.BYTES_PER_ELEMENT;
/** Rows that are dequantised before they meet the tokens, one token after the other: both then come from a near cache. */
const ROWS_AT_ONCE = 8;
/** Vectors are read and written 16 bytes at a time; the last block's may reach beyond its quants. */
const VECTOR_BYTES = 16;

/**
 * The rows in WebAssembly; undefined where that cannot be had. All of the work lies in the module's memory: the raw bytes, a few
 * dequantised rows, x and y, and the same three again for magnitudes.
 */
export function simdRows(work: RowsWork): RowProducts | undefined {
  const { type, bytes, rows, nIn, x, nTokens } = work;
  // Rows are padded with zeros to whole turns of the loop. A lane never holds -0, so adding 0 * 0 changes no bit.
  const padded = Math.ceil(nIn / DOT_LANES) * DOT_LANES;
  const place = memoryPlan();
  const plan = (tokens: number): Plan => ({
    tokens,
    row: place(ROWS_AT_ONCE * padded * F32_BYTES),
    x: place(tokens * padded * F64_BYTES),
    y: place(tokens * rows * F64_BYTES),
  });
  const products = plan(nTokens);
  const sizes = work.magnitudes > 0 ? plan(work.magnitudes) : undefined;
  const raw = place(bytes.length + VECTOR_BYTES);
  const instance = takeInstance(place(0));
  if (instance === undefined) return undefined;

  const { dots, addSizes } = instance;
  const dequantise = instance.dequantise[type];
  const { buffer } = instance.memory;
  const prepare = ({ tokens, row, x: at }: Plan, values: Float64Array): void => {
    new Float32Array(buffer, row, ROWS_AT_ONCE * padded).fill(0);
    const inputs = new Float64Array(buffer, at, tokens * padded);
    if (padded === nIn) inputs.set(values);
    else {
      inputs.fill(0);
      for (let t = 0; t < tokens; t++) inputs.set(values.subarray(t * nIn, (t + 1) * nIn), t * padded);
    }
  };
  prepare(products, x);
  if (sizes !== undefined) prepare(sizes, sizesOf(x.subarray(0, sizes.tokens * nIn)));
  new Uint8Array(buffer, raw, bytes.length).set(bytes);

  const bytesPerRow = rowBytes(type, nIn);
  const yStride = rows * F64_BYTES;
  const rowStride = padded * F32_BYTES;
  const taken = ({ tokens, y }: Plan): Float64Array<ArrayBuffer> => new Float64Array(buffer, y, tokens * rows).slice();
  return {
    rowsAtOnce: ROWS_AT_ONCE,
    multiply(from, to) {
      for (let first = from; first < to; first += ROWS_AT_ONCE) {
        const count = Math.min(ROWS_AT_ONCE, to - first);
        for (let r = 0; r < count; r++) {
          dequantise(raw + (first + r) * bytesPerRow, products.row + r * rowStride, nIn);
          if (sizes !== undefined) addSizes(products.row + r * rowStride, nIn, sizes.row + r * rowStride, TINY);
        }
        for (const { tokens, row, x: at, y } of sizes === undefined ? [products] : [products, sizes]) {
          dots(row, count, padded, at, tokens, y + first * F64_BYTES, yStride);
        }
      }
    },
    y: () => taken(products),
    magnitudes: () => (sizes === undefined ? undefined : taken(sizes)),
    release: () => {
      giveInstance(instance);
    },
  };
}

/** Addresses of one product: some rows, the inputs, the results. */
interface Plan {
  readonly tokens: number;
  readonly row: number;
  readonly x: number;
  readonly y: number;
}

/** Allocates consecutive ranges of memory, aligned for vectors; with 0 bytes it gives the end of the last one. */
function memoryPlan(): (bytes: number) => number {
  let end = FREE_FROM;
  return (bytes) => {
    const start = end;
    end += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
    return start;
  };
}
