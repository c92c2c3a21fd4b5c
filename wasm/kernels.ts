/* What the module exports: src/cpu/kernels/simd-module.ts finds them by name. */
export { scores, weighted } from './attention';
export { blocks, packPair, packQuad } from './blocked';
export { dots } from './dots';
export { packSizePair, packSizeQuad, sizeBlocks, sizes } from './sizes';
export { dequantiseF32, dequantiseF16, dequantiseBF16 } from './floats';
export { dequantiseQ8_0, dequantiseQ4_0, dequantiseQ4_1, dequantiseQ5_0, dequantiseQ5_1 } from './legacy';
export { dequantiseQ2_K, dequantiseQ3_K, dequantiseQ4_K, dequantiseQ5_K, dequantiseQ6_K } from './k-quants';
export { dequantiseIQ4_NL, dequantiseIQ4_XS, dequantiseMXFP4, dequantiseNVFP4 } from './codebook';
export { dequantiseIQ2_XXS, dequantiseIQ2_XS, dequantiseIQ2_S, dequantiseIQ3_XXS, dequantiseIQ3_S } from './grids';
export { dequantiseIQ1_S, dequantiseIQ1_M } from './grids';
export { dequantiseTQ1_0, dequantiseTQ2_0, dequantiseQ1_0, dequantiseQ2_0 } from './ternary';
