// For kernels that walk the rows of two matrices at once (lib/pair_once.wgsl, lib/pair_many.wgsl).
