/** Whether threads can share memory: under Node, and in a page that its server isolates from other origins. */
const IS_SHARED = typeof SharedArrayBuffer !== 'undefined';

/** Zeros that other threads see without a copy where memory can be shared; elsewhere they are copied when they are posted. */
export function sharedBytes(length: number): ArrayBufferLike {
  return IS_SHARED ? new SharedArrayBuffer(length) : new ArrayBuffer(length);
}

/** Whether what is posted of this buffer is the same memory on the other side. */
export function isShared(buffer: ArrayBufferLike): boolean {
  return IS_SHARED && buffer instanceof SharedArrayBuffer;
}

/** The values in memory that threads share: the same array where they are there already, or where there is no such memory. */
export function shared(values: Float64Array<ArrayBufferLike>): Float64Array<ArrayBufferLike> {
  if (!IS_SHARED || isShared(values.buffer)) return values;
  const copy = new Float64Array(sharedBytes(values.byteLength));
  copy.set(values);
  return copy;
}
