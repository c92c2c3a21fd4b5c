import { readFile } from 'node:fs/promises';
import { fail } from '../../base/errors';
import { parseStages } from '../../model/plan';
import type { RunSpec } from '../../session/events';
import type { Arguments } from '../arguments';
import * as options from '../commands';

/** What `moescope trace` was asked to do, checked as far as it can be without the model. */
export interface TraceRequest {
  /** Path or address. */
  readonly model: string;
  readonly prompt: TracePrompt;
  /** Everything of the run's specification but the tokens. */
  readonly spec: Omit<RunSpec, 'tokens' | 'prompt'>;
  readonly adapter: 'any' | 'hardware' | 'software';
  readonly runtime: 'node' | 'browser' | 'auto';
  readonly save: { readonly folder: string; readonly format: options.SaveFormat } | undefined;
}

export type TracePrompt =
  | { readonly kind: 'text'; readonly text: string; readonly chat: boolean }
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] };

/** What runs when no prompt is given. */
const DEFAULT_PROMPT = 'What is 2+2?';

/** Reads the options of `trace`. @throws TracerError `usage`, `plan-stage`, `source-read` (the prompt file) */
export async function traceRequest(args: Arguments): Promise<TraceRequest> {
  const [model = ''] = args.operands;
  const folder = args.get(options.SAVE_TENSOR);
  const gpuBudget = args.get(options.BUDGET);
  const stages = args.get(options.STAGES_OPTION);
  const inject = args.all(options.INJECT);
  const routing = args.get(options.ROUTING);
  // A misspelt stage is told before a large file is opened.
  parseStages(stages);
  const request: TraceRequest = {
    model,
    prompt: await tracePrompt(args),
    spec: {
      arms: args.get(options.ARMS),
      mode: args.get(options.MODE),
      stages,
      layers: args.get(options.LAYERS),
      positions: args.get(options.POSITIONS),
      ...(gpuBudget === undefined ? {} : { gpuBudget }),
      ...(inject.length === 0 ? {} : { inject }),
      ...(routing === 'own' ? {} : { routing }),
    },
    adapter: args.get(options.ADAPTER),
    runtime: args.get(options.RUNTIME),
    save: folder === undefined ? undefined : { folder, format: args.get(options.FORMAT) },
  };
  if (request.runtime === 'browser' && request.save !== undefined) {
    throw fail(
      'usage',
      '--save-tensor writes files, which the page in the browser cannot.',
      'Use --runtime node with --save-tensor.',
    );
  }
  return request;
}

async function tracePrompt(args: Arguments): Promise<TracePrompt> {
  const text = args.get(options.PROMPT);
  const file = args.get(options.PROMPT_FILE);
  const tokens = args.get(options.TOKENS);
  const chat = args.has(options.CHAT);
  const given = [text, file, tokens].filter((value) => value !== undefined).length;
  if (given > 1) {
    throw fail('usage', '--prompt, --prompt-file and --tokens exclude each other.', 'Give one of them.', { given });
  }
  if (tokens !== undefined) {
    if (chat) {
      throw fail('usage', '--chat needs text; --tokens are run as they are.', 'Leave out --chat, or give --prompt.');
    }
    return { kind: 'tokens', tokens };
  }
  return { kind: 'text', text: text ?? (file === undefined ? DEFAULT_PROMPT : await readPromptFile(file)), chat };
}

async function readPromptFile(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'Check the path; the prompt must be UTF-8 text.';
    throw fail('source-read', `The prompt file ${file} cannot be read: ${reason}.`, remedy, { file, reason }, error);
  }
}
