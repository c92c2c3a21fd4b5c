import type { ModelFile, TensorInfo } from '../../src/gguf/model-file';
import { floatBytes } from '../../src/types/lib/float-field';
import { typeOf, type QuantType } from '../../src/types/types';

/*
 * Damage to the bytes of a GGUF file's weights, as a converter, a disk or a loader makes it: what llama.cpp reads is then not what the judge reads.
 */

/** A file whose weights are not those that it should have. */
export interface FileDefect {
  /** `attn_q-1 swap-rows` */
  readonly id: string;
  readonly tensor: string;
  readonly type: string;
  /** Row length. */
  readonly n: number;
  readonly layer: number | undefined;
  /** The experts whose weights it touches. */
  readonly experts?: readonly number[];
  /** Damages a copy of the file. */
  readonly apply: (bytes: Uint8Array) => void;
}

/** Where blocks of a tensor lie. */
interface Blocks {
  readonly info: TensorInfo;
  readonly type: ReturnType<typeof typeOf>;
  /** Bytes of a row. */
  readonly row: number;
  readonly rows: number;
  /** Byte of row `r` of expert `e`. */
  readonly at: (e: number, r: number) => number;
}

type Damage = (bytes: Uint8Array, at: Blocks, e: number, other: number) => void;

const ROW = 3;

function scaleBits(step: (bits: number, format: string) => number | undefined): Damage {
  return (bytes, { type, at }, e) => {
    const [field] = type.floats;
    const from = at(e, ROW);
    const own = floatBytes(field, 0);
    const bits = own.reduce((all, { at: byte }, i) => all + (bytes[from + byte] ?? 0) * 2 ** (8 * i), 0);
    const other = step(bits, field.format);
    if (other === undefined) throw new Error(`no such damage of ${field.format}`);
    for (const { at: byte, set } of floatBytes(field, other)) bytes[from + byte] = set;
  };
}

function swap(bytes: Uint8Array, a: number, b: number, length: number): void {
  const kept = bytes.slice(a, a + length);
  bytes.copyWithin(a, b, b + length);
  bytes.set(kept, b);
}

/** Exponent one up, of each format. */
const EXPONENT: Readonly<Record<string, number>> = { f32: 0x80_0000, f16: 0x400, bf16: 0x80, e8m0: 1 };
const SIGN: Readonly<Record<string, number>> = { f32: 0x8000_0000, f16: 0x8000, bf16: 0x8000 };

const DAMAGE = {
  'scale-x2': scaleBits((bits, format) => bits + (EXPONENT[format] ?? 0)),
  'scale-sign': scaleBits((bits, format) => (SIGN[format] === undefined ? undefined : (bits ^ SIGN[format]) >>> 0)),
  'scale-ulp': scaleBits((bits) => bits + 1),
  'quant-top': (bytes, { type, at }, e) => {
    const [byte, bit] = type.firstBit;
    bytes[at(e, ROW) + byte] = (bytes[at(e, ROW) + byte] ?? 0) ^ (1 << bit);
  },
  'quant-step': (bytes, { type, at }, e) => {
    // Of a float: a bit in the middle of the mantissa.
    const byte = at(e, ROW) + (type.quantsAt ?? 1);
    bytes[byte] = (bytes[byte] ?? 0) ^ (type.quantsAt === undefined ? 16 : 1);
  },
  'zero-block': (bytes, { type, at }, e) => {
    bytes.fill(0, at(e, ROW), at(e, ROW) + type.typeSize * (type.blockSize === 1 ? 32 : 1));
  },
  'zero-row': (bytes, { row, at }, e) => {
    bytes.fill(0, at(e, ROW), at(e, ROW) + row);
  },
  'swap-rows': (bytes, { row, at }, e) => {
    swap(bytes, at(e, ROW), at(e, ROW + 1), row);
  },
  'shift-rows': (bytes, { row, rows, at }, e) => {
    const last = bytes.slice(at(e, rows - 1), at(e, rows - 1) + row);
    bytes.copyWithin(at(e, 1), at(e, 0), at(e, rows - 1));
    bytes.set(last, at(e, 0));
  },
  'swap-experts': (bytes, { row, rows, at }, e, other) => {
    swap(bytes, at(e, 0), at(other, 0), row * rows);
  },
  'copy-expert': (bytes, { row, rows, at }, e, other) => {
    bytes.copyWithin(at(e, 0), at(other, 0), at(other, 0) + row * rows);
  },
} as const satisfies Readonly<Record<string, Damage>>;

type DamageKind = keyof typeof DAMAGE;

const OF_MATRIX: readonly DamageKind[] = [
  'scale-x2',
  'scale-ulp',
  'quant-top',
  'quant-step',
  'zero-block',
  'swap-rows',
];
const OF_EXPERTS: readonly DamageKind[] = [
  ...OF_MATRIX,
  'scale-sign',
  'zero-row',
  'shift-rows',
  'swap-experts',
  'copy-expert',
];
const OF_VECTOR: readonly DamageKind[] = ['scale-x2', 'quant-step'];
const KINDS: Readonly<Record<string, readonly DamageKind[]>> = {
  ...Object.fromEntries(['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((role) => [role, OF_MATRIX])),
  ...Object.fromEntries(['ffn_gate_exps', 'ffn_up_exps', 'ffn_down_exps'].map((role) => [role, OF_EXPERTS])),
  ...Object.fromEntries(['attn_norm', 'attn_q_norm', 'attn_k_norm', 'ffn_norm'].map((role) => [role, OF_VECTOR])),
  ffn_gate_inp: ['scale-x2', 'zero-block', 'swap-rows'],
  output: ['scale-x2', 'quant-top', 'swap-rows'],
  output_norm: OF_VECTOR,
  token_embd: ['scale-x2', 'swap-rows'],
};

/**
 * The defects of a model's weights, in its last layer, of experts that a run chose.
 * @param chosen the two experts that most tokens chose there @param token one of the prompt: its row of the embedding is damaged
 */
export function fileDefects(
  model: ModelFile,
  layer: number,
  chosen: readonly [number, number],
  token: number,
): readonly FileDefect[] {
  const [e, other] = chosen;
  return Object.entries(KINDS).flatMap(([role, kinds]) => {
    const ofLayer = !['output', 'output_norm', 'token_embd'].includes(role);
    const tensor = `${ofLayer ? `blk.${layer}.` : ''}${role}.weight`;
    const info = model.tensors.get(tensor);
    if (info === undefined) return [];
    const at = blocksOf(info);
    const isExperts = role.endsWith('_exps');
    const expert = isExperts ? e : 0;
    const first = role === 'token_embd' ? token - ROW : 0;
    const own: Blocks = { ...at, at: (x, r) => at.at(x, Math.min(at.rows - 1, r + first)) };
    return kinds
      .filter((kind) => kind !== 'scale-sign' || SIGN[at.type.floats[0].format] !== undefined)
      .map((kind): FileDefect => ({
        id: `${role}${ofLayer ? `-${layer}` : ''} ${kind}`,
        tensor,
        type: info.type,
        n: info.dims[0] ?? 0,
        layer: ofLayer ? layer : undefined,
        ...(isExperts ? { experts: kind === 'swap-experts' ? [e, other] : [e] } : {}),
        apply: (bytes) => {
          DAMAGE[kind](bytes, own, expert, other);
        },
      }));
  });
}

function blocksOf(info: TensorInfo): Blocks {
  const type = typeOf(info.type as QuantType);
  const [n = 0, rows = 1] = info.dims;
  const row = (n / type.blockSize) * type.typeSize;
  // A vector's rows are its values.
  const width = info.dims.length === 1 ? type.typeSize : row;
  const count = info.dims.length === 1 ? n : rows;
  return { info, type, row: width, rows: count, at: (e, r) => info.offset + (e * count + r) * width };
}
