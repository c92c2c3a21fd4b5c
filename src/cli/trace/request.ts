import { fail } from '../../base/errors';
import { DEFAULT_MODE } from '../../divergence/run-mode';
import { parseStages } from '../../model/plan';
import type { KnownInput } from '../../regression/compare-baseline';
import type { RunSpec } from '../../session/events';
import type { Arguments } from '../command-line/arguments';
import * as shared from '../command-line/shared-options';
import { readEngines } from './read-engines';
import * as options from './trace-options';
import { readHeaders, type Headers } from '../files/headers';
import { readPrompt, type NamedPrompt } from '../files/prompt';

/** What `moescope trace` was asked to do, checked as far as it can be without the model. */
export interface TraceRequest {
  /** Path or address of one file, of any part, or of all parts. */
  readonly model: readonly string[];
  readonly prompt: NamedPrompt;
  /** Everything of the run's specification but the tokens. */
  readonly spec: Omit<RunSpec, 'tokens' | 'prompt'>;
  readonly adapter: 'any' | 'hardware' | 'software';
  readonly runtime: 'node' | 'browser' | 'auto';
  /** Which of several GPUs, under Node. */
  readonly device?: string | undefined;
  /** What the server of an address asks for, under Node. */
  readonly headers?: Headers | undefined;
  /** Looks at model and tokens before the first layer runs; what it throws ends the run. */
  readonly before?: (input: KnownInput) => void;
  readonly save: { readonly folder: string; readonly format: options.SaveFormat } | undefined;
}

/** Reads the options of `trace`. @throws TracerError `usage`, `plan-stage`, `source-read` (the prompt file) */
export async function traceRequest(args: Arguments): Promise<TraceRequest> {
  const folder = args.get(options.SAVE_TENSOR);
  const decode = args.get(options.DECODE);
  const repeat = args.get(options.REPEAT);
  const gpuBudget = args.get(shared.BUDGET);
  const stages = args.get(shared.STAGES_OPTION);
  const inject = args.all(options.INJECT);
  const routing = args.get(options.ROUTING);
  if (repeat !== undefined && routing === 'reference') {
    throw fail(
      'usage',
      "--repeat runs the candidate alone, which has nobody's experts but its own.",
      'Leave --routing reference out.',
    );
  }
  // A misspelt stage is reported before a large file is opened.
  parseStages(stages);
  const request: TraceRequest = {
    model: args.operands,
    prompt: await readPrompt({
      text: args.get(shared.PROMPT),
      file: args.get(shared.PROMPT_FILE),
      ids: args.get(options.TOKENS),
      idsFlag: '--tokens',
      chat: args.has(shared.CHAT),
    }),
    spec: {
      ...readEngines(args, args.get(options.ENGINES)),
      mode: args.get(options.MODE) ?? DEFAULT_MODE,
      stages,
      layers: args.get(shared.LAYERS),
      positions: args.get(options.POSITIONS),
      ...(decode === undefined ? {} : { decode }),
      ...(decode === undefined && !args.has(options.THOROUGH) ? {} : { decoder: args.get(options.DECODER) }),
      ...(args.has(options.THOROUGH) ? { thorough: true } : {}),
      ...(repeat === undefined ? {} : { repeat }),
      ...(gpuBudget === undefined ? {} : { gpuBudget }),
      ...(inject.length === 0 ? {} : { inject }),
      ...(routing === 'own' ? {} : { routing }),
    },
    adapter: args.get(shared.ADAPTER),
    runtime: args.get(shared.RUNTIME),
    device: args.get(shared.DEVICE),
    headers: await readHeaders(args),
    save: folder === undefined ? undefined : { folder, format: args.get(options.FORMAT) },
  };
  if (request.runtime === 'browser') checkBrowser(request);
  return request;
}

/** Whether only Node can do what a request asks for. */
export function needsNode({ save, device, headers }: TraceRequest): boolean {
  return save !== undefined || device !== undefined || headers !== undefined;
}

/** @throws TracerError `usage`: what the page in a browser cannot do */
export function checkBrowser({ save, device, headers }: Pick<TraceRequest, 'save' | 'device' | 'headers'>): void {
  const wrong =
    save !== undefined
      ? '--save-tensor writes files, which the page in the browser cannot.'
      : device !== undefined
        ? '--device chooses among the GPUs of Node; a browser chooses its own.'
        : headers !== undefined
          ? '--header is for requests of Node; a page may not send such headers to other hosts.'
          : undefined;
  if (wrong !== undefined) throw fail('usage', wrong, 'Use --runtime node.');
}
