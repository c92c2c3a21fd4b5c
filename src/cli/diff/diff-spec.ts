import type { CommandSpec } from '../command-line/command-spec';
import {
  CSV_FILE,
  JSON_FILE,
  LAYERS,
  MODEL_EXPLORER,
  QUIET,
  STAGES_OPTION,
  SUMMARY_FILE,
} from '../command-line/shared-options';
import { ENGINE_A, ENGINE_B, COMMON, COSINE, DIFF_FORCE, DIFF_FORMAT } from './diff-options';
import { HTML_FILE, PNG_FILE, SVG_FILE, WITH_PROMPT } from '../share/share-options';

/** `diff` in the command table. */
export const DIFF = {
  name: 'diff',
  operands: ['A', 'B'],
  summary: 'compare two saved traces and say where they part',
  description:
    'Compares what --save-tensor wrote, or what another program dumped, as a live run compares its engines: A is the candidate, B is the reference. Each is a folder (a tree of .bin or .npy, the folder of one engine, archives side by side, or arrays named <ggml name>-<layer>.npy) or a file (ZIP, NPZ, trace JSON, CSV). Two single APRT files are compared element by element.',
  options: [
    ENGINE_A,
    ENGINE_B,
    STAGES_OPTION,
    LAYERS,
    COSINE,
    COMMON,
    DIFF_FORCE,
    DIFF_FORMAT,
    JSON_FILE,
    CSV_FILE,
    SUMMARY_FILE,
    HTML_FILE,
    SVG_FILE,
    PNG_FILE,
    WITH_PROMPT,
    MODEL_EXPLORER,
    QUIET,
  ],
  examples: [
    'moescope diff out out --engine-a gpu --engine-b cpu',
    'moescope diff out/gpu.npz llamacpp-dump --common --json -',
    'moescope diff a/layer-3/moe_ffn_out.bin b/layer-3/moe_ffn_out.bin --format apr',
  ],
} as const satisfies CommandSpec;
