import { seededRandom } from '../base/random';
import { ggmlType, type QuantType } from '../gguf/ggml-types';
import { randomBlocks } from '../gguf/random-blocks';

/** Most bytes of random blocks that are made for one stream; what lies beyond repeats them. */
const POOL_BYTES = 8 * 2 ** 20;

/** An endless run of valid random blocks of one type and scale, made at the speed of copying. */
export interface BlockStream {
  readonly type: QuantType;
  /** Fills `out` with the stream's bytes from `position` on. Both start and length are whole blocks. */
  read(position: number, out: Uint8Array): void;
}

/**
 * A stream of at least `bytes`: a pool of random blocks, made once, when first read. Up to the pool's size every block is fresh; from there on
 * each pass over the pool starts at another place of it, so that what lines up in one pass does not in the next.
 * @param rms root mean square of the values
 */
export function blockStream(type: QuantType, rms: number, seed: number, bytes: number): BlockStream {
  const { blockSize, typeSize } = ggmlType(type);
  const blocks = Math.ceil(Math.min(bytes, POOL_BYTES) / typeSize);
  const poolBytes = blocks * typeSize;
  let pool: Uint8Array | undefined;
  const shiftOfPass = (pass: number): number =>
    pass === 0 ? 0 : typeSize * seededRandom(seed * PASS_SEEDS + pass).below(blocks);

  return {
    type,
    read(position, out) {
      pool ??= randomBlocks(type, blocks * blockSize, rms, seededRandom(seed));
      let done = 0;
      while (done < out.length) {
        const at = position + done;
        const pass = Math.floor(at / poolBytes);
        const start = ((at % poolBytes) + shiftOfPass(pass)) % poolBytes;
        // To the end of the pass, of the pool or of what is asked, whichever is first.
        const length = Math.min(out.length - done, poolBytes - (at % poolBytes), poolBytes - start);
        out.set(pool.subarray(start, start + length), done);
        done += length;
      }
    },
  };
}

/** Passes that have a seed of their own before the next stream's begin: 2^16 pools are a terabyte. */
const PASS_SEEDS = 2 ** 16;
