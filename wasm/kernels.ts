/* What the module exports: src/cpu/kernels/simd-module.ts finds them by name. */
export { scores, weighted } from './attention';
export { dots, addSizes } from './dots';
export { dequantiseF32, dequantiseF16, dequantiseBF16 } from './floats';
export { dequantiseQ8_0, dequantiseQ4_0, dequantiseQ4_1, dequantiseQ5_0, dequantiseQ5_1 } from './legacy';
export { dequantiseQ2_K, dequantiseQ3_K, dequantiseQ4_K, dequantiseQ5_K, dequantiseQ6_K } from './k-quants';
export { dequantiseIQ4_NL, dequantiseIQ4_XS, dequantiseMXFP4 } from './codebook';
