import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GgufValue } from '../../src/gguf/model-file';

/** The metadata of a GGUF file, read by a plain loop. */
export function readMetadata(path: string): ReadonlyMap<string, GgufValue> {
  const bytes = readFileSync(path);
  let at = 24;
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const n = u64();
    return bytes.toString('utf8', at, (at += n));
  };
  const value = (type: number): GgufValue => {
    if (type === 8) return text();
    if (type === 7) return bytes.readUInt8(at++) !== 0;
    if (type === 4 || type === 5) return u32();
    if (type === 6) return bytes.readFloatLE((at += 4) - 4);
    if (type !== 9) throw new Error(`type ${type}`);
    const element = u32();
    const n = u64();
    if (element === 8) return Array.from({ length: n }, text);
    if (element === 5) return Int32Array.from({ length: n }, u32);
    throw new Error(`array of ${element}`);
  };
  const count = Number(bytes.readBigUInt64LE(16));
  return new Map(Array.from({ length: count }, () => [text(), value(u32())]));
}

export const QWEN2_VOCAB = fileURLToPath(new URL('../golden/tokenizer/ggml-vocab-qwen2.gguf', import.meta.url));
