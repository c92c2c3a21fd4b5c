import type { CommandSpec } from '../command-line/command-spec';
import { parseText, type Option, type RepeatedOption } from '../command-line/option';
import { CHAT, JSON_FILE, JUNIT_FILE, PROMPT, PROMPT_FILE, QUIET } from '../command-line/shared-options';
import { ENGINE_A } from '../diff/diff-options';
import { CANDIDATE, FLASH, KV, THREADS, UBATCH } from '../trace/live-options';
import { TOKENS } from '../trace/trace-options';

export const GOOD: Option<string> = {
  name: 'good',
  placeholder: 'PATH',
  help: 'the last that is known to be right: a llama.cpp library (or the folder that holds it), or a dump as judge reads it',
  parse: parseText,
};
export const BAD: Option<string> = {
  name: 'bad',
  placeholder: 'PATH',
  help: 'the first that is known to be wrong',
  parse: parseText,
};
export const BETWEEN: RepeatedOption<string> = {
  name: 'between',
  placeholder: 'PATH',
  help: 'one between the two; may be given several times, oldest first',
  parse: parseText,
  repeats: true,
};

/** `bisect` in the command table. */
export const BISECT = {
  name: 'bisect',
  operands: ['MODEL...'],
  summary: 'find the first of several libraries or dumps that is wrong',
  description:
    'Judges --good and --bad, then what is --between by halves: each library runs the prompt on MODEL in a process of its own, each dump is judged from its own captured inputs. Names the first that is wrong with its first wrong stage and tensor. Exits with 1 where one is found, with 2 where the good one is wrong or the bad one right.',
  options: [
    GOOD,
    BETWEEN,
    BAD,
    PROMPT,
    TOKENS,
    PROMPT_FILE,
    CHAT,
    CANDIDATE,
    FLASH,
    KV,
    UBATCH,
    THREADS,
    ENGINE_A,
    JSON_FILE,
    JUNIT_FILE,
    QUIET,
  ],
  examples: [
    'moescope bisect model.gguf --good b8390/bin --between b9191/bin --between b9474/bin --bad b10108/bin --prompt Hello',
    'moescope bisect model.gguf --good dump-monday/ --bad dump-friday/ --junit bisect.xml',
  ],
} as const satisfies CommandSpec;
