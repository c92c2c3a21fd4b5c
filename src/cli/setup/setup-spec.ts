import { LIVE_ENGINES } from '../../model/live';
import type { CommandSpec } from '../command-line/command-spec';
import { JSON_FILE, QUIET } from '../command-line/shared-options';

/** `setup` in the command table. */
export const SETUP = {
  name: 'setup',
  operands: ['ENGINE...'],
  summary: 'install a llama.cpp to hold against the reference, from npm',
  description: `Installs npm's prebuilt llama.cpp of this platform (@node-llama-cpp/*) and koffi, which calls it, versions pinned and no package script run, into the user's cache (MOESCOPE_LLAMA_CPP names another folder). ENGINE is llama.cpp, which is its CPU back end, or one of ${LIVE_ENGINES.join(', ')}. Nothing else of MoEscope needs it.`,
  options: [JSON_FILE, QUIET],
  examples: ['moescope setup llama.cpp', 'moescope setup llama.cpp:vulkan'],
} as const satisfies CommandSpec;
