import type { Columns } from './lib/columns';
import type { Dequantise } from './lib/dequantise';
import type { FillBlock } from './lib/fill';
import type { FloatField } from './lib/float-field';
import type { Grid } from './lib/grid';

/**
 * Some bytes of every block of a row, one block after another. Planes are what makes 16-byte loads possible for blocks of 18, 34 or
 * 210 bytes, at no cost in memory beyond rounding each plane of a row up to 16 bytes.
 */
export interface Plane {
  /** First byte inside the ggml block. */
  readonly from: number;
  /** Bytes of each block. */
  readonly bytes: number;
  /** Bytes from one block to the next in the plane; more than `bytes` where the format pads. */
  readonly stride: number;
}

/** `bytes` of every block from byte `from` on. */
export function plane(from: number, bytes: number, stride = bytes): Plane {
  return { from, bytes, stride };
}

/** What a defect is about. */
export const DEFECT_KINDS = ['sign', 'index', 'scale', 'barrier', 'type', 'rounding'] as const;
export type DefectKind = (typeof DEFECT_KINDS)[number];

/** An edit of `shaders/types/<type>.wgsl`, or of what it includes, that makes it wrong. The self-test must see each. */
export interface TypeDefect {
  readonly kind: DefectKind;
  /** What goes wrong. */
  readonly what: string;
  /** Must occur exactly once in the text of `shaders/ops/rows.wgsl` with this type. */
  readonly from: string;
  readonly to: string;
}

/** A product of its own that decoding has for a type (`shaders/fusions/lib/dot_<type>.wgsl`). */
export interface OwnDot {
  /**
   * Bytes of a block ahead of its quants, where the product multiplies quants and minima apart: with the quants zero, these bytes alone
   * give the minima.
   */
  readonly minimaHead?: number;
}

/** Everything that MoEscope knows about a way to store weights. Its shader is `shaders/types/<name>.wgsl`, in lower case. */
export interface WeightType<Name extends string = string> {
  /** ggml's name. */
  readonly name: Name;
  /** `enum ggml_type` in ggml.h. */
  readonly id: number;
  /** Elements of a block. */
  readonly blockSize: number;
  /** Bytes of a block. */
  readonly typeSize: number;
  /** What ggml's CPU makes of activations in front of a matrix of this type: `vec_dot_type` in ggml-cpu.c. */
  readonly activations: 'f32' | 'f16' | 'bf16' | 'q8_0' | 'q8_K';
  /** What llama.cpp (`tensor_type_fallback`, src/llama-quant.cpp) takes where a row is no whole number of blocks; F16 where undefined. */
  readonly fallback?: WeightType;
  /** The floats of a block, that of the first weight first: scales, minima; of a float type the value itself. All other bits are free. */
  readonly floats: readonly [FloatField, ...FloatField[]];
  /** Byte and bit that tell of the first weight and of as few others as the format allows: the highest such bit; of a float type its sign. */
  readonly firstBit: readonly [byte: number, bit: number];
  /** Byte of a block from which on four bytes may have any bits: quants. Undefined for float types. */
  readonly quantsAt: number | undefined;
  /** How the rows lie in GPU memory: one plane after another, each on 16 bytes. */
  readonly planes: readonly Plane[];
  /** Which columns of a row a unit of the shader holds: the file `shaders/types/lib/columns_<columns>.wgsl`. */
  readonly columns: Columns;
  readonly ownDot?: OwnDot;
  /** The table that indices in a block name. */
  readonly grid?: Grid;
  /** Bit for bit as ggml's `dequantize_row_*`. The SIMD reference implementation of it is `dequantise<name>` in `wasm/`. */
  readonly dequantise: Dequantise;
  /** A random valid block. */
  readonly fill: FillBlock;
  readonly defects: readonly TypeDefect[];
}

/** A type, its name kept as a literal, so that a record by type name with a hole does not compile. */
export function defineType<const Name extends string>(type: WeightType<Name>): WeightType<Name> {
  return type;
}
