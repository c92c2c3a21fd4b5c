import type { CommandSpec } from '../command-line/command-spec';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import {
  EPS,
  FORCE,
  HEAD_DIM,
  N_EMBD,
  N_EXPERT,
  N_EXPERT_USED,
  N_FF_EXP,
  N_HEAD,
  N_HEAD_KV,
  N_LAYER,
  N_VOCAB,
  SEED,
  ARCH,
  SHAPE,
  SPLIT,
  THETA,
  TIED,
  TYPE,
} from './make-model-options';

/** `make-model` in the command table. */
export const MAKE_MODEL = {
  name: 'make-model',
  operands: ['OUT'],
  summary: 'write a model of random weights, of any shape and type',
  description:
    'Writes a valid file of seeded random weights with a tokenizer of its own, as fast as the disk takes it: for timing, and for trying sizes and types that nobody has released. It runs like a trained model of its shape and says nothing sensible.',
  options: [
    ARCH,
    SHAPE,
    TYPE,
    SEED,
    SPLIT,
    N_LAYER,
    N_EMBD,
    N_HEAD,
    N_HEAD_KV,
    HEAD_DIM,
    N_EXPERT,
    N_EXPERT_USED,
    N_FF_EXP,
    N_VOCAB,
    TIED,
    THETA,
    EPS,
    FORCE,
    JSON_FILE,
    QUIET,
  ],
  examples: [
    'moescope make-model tiny.gguf',
    'moescope make-model big.gguf --shape qwen3-30b-a3b --type q4_k_m',
    'moescope make-model out.gguf --shape qwen3-30b-a3b --layers 2 --type q8_0 --seed 7 --split 3',
  ],
} as const satisfies CommandSpec;
