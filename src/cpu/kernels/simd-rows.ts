import { rowBytes } from '../../gguf/ggml-types';
import { TINY } from '../../ops/rounding';
import { DOT_LANES } from './dot';
import { sizesOf } from './magnitudes';
import type { RowProducts, RowsWork } from './rows-work';
import { FREE_FROM, giveInstance, takeInstance, type SimdInstance } from './simd-module';

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;
const F64_BYTES = Float64Array.BYTES_PER_ELEMENT;
/** Rows that are dequantised before they meet the tokens: they then come from a near cache. */
const ROWS_AT_ONCE = 8;
/** Rows and tokens of a block of sums that are kept in registers (`wasm/blocked.ts`). */
const PAIR = 2;
const QUAD = 4;
/** Bytes of the shares of a pair of rows. */
const PART_BYTES = 256;
/** Tokens left over from which on another block, of which one token is nobody's, costs less than each alone. */
const WORTH_FILLING = 3;
/** Vectors are read and written 16 bytes at a time; the last block's may reach beyond its quants. */
const VECTOR_BYTES = 16;

/**
 * The rows in WebAssembly; undefined where that cannot be had. All of the work lies in the module's memory: the raw bytes, a few
 * dequantised rows, x and y, and the same three again for magnitudes.
 */
export function simdRows(work: RowsWork): RowProducts | undefined {
  const { type, bytes, rows, nIn, nTokens } = work;
  const place = memoryPlan();
  const shape: Shape = { rows, nIn, nTokens, padded: Math.ceil(nIn / DOT_LANES) * DOT_LANES };
  const row = place(ROWS_AT_ONCE * shape.padded * F32_BYTES);
  const products = planProducts(shape, nTokens, F64_BYTES, place);
  const magnitudes = work.magnitudes > 0 ? planMagnitudes(shape, work.magnitudes, place) : undefined;
  const raw = place(bytes.length + VECTOR_BYTES);
  const instance = takeInstance(place(0));
  if (instance === undefined) return undefined;

  const { buffer } = instance.memory;
  new Float32Array(buffer, row, ROWS_AT_ONCE * shape.padded).fill(0);
  putVectors(instance, shape, products, work.x);
  if (magnitudes !== undefined) putSizes(instance, shape, magnitudes, work.x);
  new Uint8Array(buffer, raw, bytes.length).set(bytes);

  const dequantise = dequantiser(instance, work, shape);
  const taken = (y: number, tokens: number): Float64Array<ArrayBuffer> =>
    new Float64Array(buffer, y, tokens * rows).slice();
  return {
    rowsAtOnce: ROWS_AT_ONCE,
    multiply(from, to) {
      for (let first = from; first < to; first += ROWS_AT_ONCE) {
        const count = Math.min(ROWS_AT_ONCE, to - first);
        dequantise(raw + first * rowBytes(type, nIn), row, count);
        multiplyRows(instance, shape, products, row, count, first);
        if (magnitudes !== undefined) sizeRows(instance, shape, magnitudes, row, count, first);
      }
    },
    y: () => taken(products.y, nTokens),
    magnitudes: () => magnitudes && taken(magnitudes.y, magnitudes.tokens),
    release: () => {
      giveInstance(instance);
    },
  };
}

interface Shape {
  readonly rows: number;
  readonly nIn: number;
  readonly nTokens: number;
  /** Elements of a row with the zeros that fill up the loop's last turn. A lane never holds -0, so adding 0 * 0 changes no bit. */
  readonly padded: number;
}

/** Addresses of the products of some tokens, in f64 or, as magnitudes, in f32; `y` is f64 in both. */
interface Products {
  readonly tokens: number;
  /** Groups of four tokens, packed; the last may hold tokens of zeros. */
  readonly quads: number;
  readonly packedTokens: number;
  /** Tokens behind them, as they are. */
  readonly loose: number;
  readonly looseTokens: number;
  /** Some dequantised rows, packed. */
  readonly packedRows: number;
  readonly parts: number;
  /** Four tokens on their way into a group. */
  readonly staging: number;
  readonly y: number;
}

interface Magnitudes extends Products {
  readonly factors: number;
}

function planProducts({ rows, padded }: Shape, tokens: number, elementBytes: number, place: Place): Products {
  const over = tokens % QUAD;
  const quads = tokens < QUAD ? 0 : Math.floor(tokens / QUAD) + (over >= WORTH_FILLING ? 1 : 0);
  const loose = Math.max(0, tokens - quads * QUAD);
  const vector = padded * elementBytes;
  return {
    tokens,
    quads,
    packedTokens: place(quads * QUAD * vector),
    loose,
    looseTokens: place(loose * vector),
    packedRows: place(quads === 0 ? 0 : ROWS_AT_ONCE * vector),
    parts: place((ROWS_AT_ONCE / PAIR) * PART_BYTES),
    staging: place(quads === 0 ? 0 : QUAD * vector),
    y: place((quads * QUAD + loose) * rows * F64_BYTES),
  };
}

function planMagnitudes(shape: Shape, tokens: number, place: Place): Magnitudes {
  const products = planProducts(shape, tokens, F32_BYTES, place);
  return { ...products, factors: place((products.quads * QUAD + products.loose) * F64_BYTES) };
}

/** Puts the tokens' vectors where the products read them. @param pack of four tokens, as `blocks` or `sizeBlocks` reads them */
function putTokens<T extends Float32Array | Float64Array>(
  view: (address: number, length: number) => T,
  { nIn, padded }: Shape,
  to: Products,
  values: T,
  pack: SimdInstance['packQuad'],
): void {
  const stride = padded * values.BYTES_PER_ELEMENT;
  for (let quad = 0; quad < to.quads; quad++) {
    const [from, end] = [quad * QUAD, Math.min(to.tokens, (quad + 1) * QUAD)];
    putRows(view(to.staging, QUAD * padded), values, nIn, padded, from, end);
    pack(to.staging, stride, padded, to.packedTokens + from * stride);
  }
  putRows(view(to.looseTokens, to.loose * padded), values, nIn, padded, to.tokens - to.loose, to.tokens);
}

function putVectors({ memory: { buffer }, packQuad }: SimdInstance, shape: Shape, to: Products, x: Float64Array): void {
  putTokens<Float64Array>((at, length) => new Float64Array(buffer, at, length), shape, to, x, packQuad);
}

function putSizes(
  { memory: { buffer }, packSizeQuad }: SimdInstance,
  shape: Shape,
  to: Magnitudes,
  x: Float64Array,
): void {
  const { values, factors } = sizesOf(x, to.tokens, shape.nIn);
  putTokens<Float32Array>((at, length) => new Float32Array(buffer, at, length), shape, to, values, packSizeQuad);
  const all = new Float64Array(buffer, to.factors, to.quads * QUAD + to.loose);
  all.fill(0);
  all.set(factors);
}

/** Rows [from, to) of `values`, (rows, n), each with zeros behind it; zeros where there are fewer than `out` holds. */
function putRows<T extends Float32Array | Float64Array>(
  out: T,
  values: T,
  n: number,
  padded: number,
  from: number,
  to: number,
): void {
  if (n === padded) out.set(values.subarray(from * n, to * n));
  else
    for (let r = from; r < to; r++) {
      out.set(values.subarray(r * n, (r + 1) * n), (r - from) * padded);
      out.fill(0, (r - from) * padded + n, (r - from + 1) * padded);
    }
  out.fill(0, (to - from) * padded);
}

/** Dequantises `count` rows at `from` to `to`: in one call where they lie in one piece at both ends. */
function dequantiser(
  instance: SimdInstance,
  { type }: RowsWork,
  { nIn, padded }: Shape,
): (from: number, to: number, count: number) => void {
  const dequantise = instance.dequantise[type];
  if (padded === nIn) {
    return (from, to, count) => {
      dequantise(from, to, count * nIn);
    };
  }
  return (from, to, count) => {
    for (let r = 0; r < count; r++) dequantise(from + r * rowBytes(type, nIn), to + r * padded * F32_BYTES, nIn);
  };
}

/** y of `count` dequantised rows, the work's `first` row first. */
function multiplyRows(
  { packPair, blocks, dots }: SimdInstance,
  { rows, padded }: Shape,
  { quads, packedTokens, loose, looseTokens, packedRows, parts, y }: Products,
  row: number,
  count: number,
  first: number,
): void {
  const stride = padded * F32_BYTES;
  const yAt = y + first * F64_BYTES;
  const yStride = rows * F64_BYTES;
  if (quads > 0) {
    // The row beside an odd one is whatever lies there: nobody gets its sums.
    for (let r = 0; r < count; r += PAIR)
      packPair(row + r * stride, stride, padded, packedRows + r * padded * F64_BYTES);
    blocks(packedRows, count, padded, packedTokens, quads, parts, yAt, yStride);
  }
  dots(row, count, padded, looseTokens, loose, yAt + quads * QUAD * yStride, yStride);
}

function sizeRows(
  { packSizePair, sizeBlocks, sizes }: SimdInstance,
  { rows, padded }: Shape,
  { quads, packedTokens, loose, looseTokens, packedRows, parts, factors, y }: Magnitudes,
  row: number,
  count: number,
  first: number,
): void {
  const stride = padded * F32_BYTES;
  const yAt = y + first * F64_BYTES;
  const yStride = rows * F64_BYTES;
  if (quads > 0) {
    for (let r = 0; r < count; r += PAIR) packSizePair(row + r * stride, stride, padded, packedRows + r * stride, TINY);
    sizeBlocks(packedRows, count, padded, packedTokens, quads, factors, parts, yAt, yStride);
  }
  const behind = quads * QUAD;
  sizes(row, count, padded, looseTokens, loose, factors + behind * F64_BYTES, yAt + behind * yStride, yStride, TINY);
}

type Place = (bytes: number) => number;

/** Allocates consecutive ranges of memory, aligned for vectors; with 0 bytes it gives the end of the last one. */
function memoryPlan(): Place {
  let end = FREE_FROM;
  return (bytes) => {
    const start = end;
    end += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
    return start;
  };
}
