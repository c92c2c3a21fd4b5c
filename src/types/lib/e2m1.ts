/** ggml's `kvalues_mxfp4`: the E2M1 values of MXFP4 and NVFP4, doubled to be whole. Index 8 is +0, not -0. */
export const E2M1_DOUBLED = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
