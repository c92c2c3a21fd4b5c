import { test, type Page, type TestInfo } from '@playwright/test';
import { TracerError } from '../base/errors';
import { isUrl, openNamedModel } from '../cli/files/open-model';
import { runOnPage } from '../cli/browser/drive-page';
import type { TraceRequest } from '../cli/trace/request';
import type { Report } from '../divergence/report';
import { DEFAULT_MODE, type RunMode } from '../divergence/run-mode';
import { reportFromJson } from '../divergence/report-json';
import type { RunEngineId } from '../model/engines';
import { checkAdapter, checkPage, type AdapterDemand } from './adapter-demand';
import { servedPage } from './served-page';
import { stateOf } from './settings';

/** What to run, and how; what is left out is as on the page. */
export interface TraceModelOptions {
  /** Path of a GGUF (of a split one any part), or an address whose server serves byte ranges and allows other origins. */
  readonly file: string;
  /** Text for the file's own tokenizer. Give this or `tokens`. */
  readonly prompt?: string;
  readonly tokens?: readonly number[];
  /** Wraps the prompt as one user turn of the file's chat template. */
  readonly chat?: boolean;
  /** Which errors of a stage are measured: `local,free` when left out. */
  readonly mode?: RunMode;
  /** Names of stages; all when left out. */
  readonly stages?: readonly string[];
  /** `A..B`, B excluded, or one number; all when left out. */
  readonly layers?: string;
  /** `A..B`, B excluded, `last`, or one number; all when left out. */
  readonly positions?: string;
  /** The candidate, then the reference: `['gpu', 'cpu']` when left out. */
  readonly engines?: readonly RunEngineId[];
  /** The older name of `engines`. */
  readonly arms?: readonly RunEngineId[];
  /** Whose experts the candidate uses. */
  readonly routing?: 'own' | 'reference';
  /** Faults put in on purpose, as `moescope trace --inject` takes them. */
  readonly inject?: readonly string[];
  /** Overrides the adapter that the project demands. */
  readonly adapter?: AdapterDemand;
  /** Overrides where the page is served. */
  readonly url?: string;
}

/**
 * Opens MoEscope on the page, runs a model with a prompt, and returns the report of the comparison, as `moescope trace --json` writes it.
 * @throws TracerError with `code`: no adapter of the kind demanded (`gpu-unavailable`, `gpu-adapter`), the file's, the prompt's and the run's own errors
 */
export async function traceModel(page: Page, options: TraceModelOptions): Promise<Report> {
  return test.step(`trace ${options.file}`, () => runHere(page, options, test.info()), { box: true });
}

async function runHere(page: Page, options: TraceModelOptions, info: TestInfo): Promise<Report> {
  const state = stateOf(info);
  const demand = options.adapter ?? state?.options.adapter ?? 'any';
  const request = requestOf(options);
  try {
    const address = options.url ?? state?.options.url ?? (await servedPage());
    await checkFile(options.file);
    await page.goto(address);
    const needsGpu = request.spec.engines.includes('gpu');
    if (needsGpu) await checkPage(page, demand);
    const report = reportFromJson(await runOnPage(page, request, () => undefined));
    state?.runs.push({ report, browser: page.context().browser() ?? undefined });
    if (needsGpu && report.adapter !== undefined) checkAdapter(report.adapter, demand);
    return report;
  } catch (error) {
    throw error instanceof TracerError ? withRemedy(error) : error;
  }
}

/** The file is there and is a GGUF: the page would take another for a trace. @throws TracerError `source-*`, `gguf-*` */
async function checkFile(file: string): Promise<void> {
  if (isUrl(file)) return;
  const model = await openNamedModel(file);
  await model.close();
}

/** @throws TracerError `usage`: neither prompt nor tokens, or both */
function requestOf(options: TraceModelOptions): TraceRequest {
  const {
    file,
    prompt,
    tokens,
    chat = false,
    mode = DEFAULT_MODE,
    stages,
    layers = 'all',
    positions = 'all',
  } = options;
  if ((prompt === undefined) === (tokens === undefined)) {
    throw new TracerError({
      code: 'usage',
      message: 'traceModel takes a prompt or tokens, and not both.',
      detail: {},
      remedy: 'Give { file, prompt } or { file, tokens }.',
    });
  }
  const { engines = options.arms ?? ['gpu', 'cpu'], routing, inject } = options;
  return {
    model: [file],
    prompt: tokens === undefined ? { kind: 'text', text: prompt ?? '', chat } : { kind: 'tokens', tokens },
    spec: {
      engines,
      mode,
      stages: stages?.join(',') ?? 'all',
      layers,
      positions,
      ...(routing === 'reference' ? { routing } : {}),
      ...(inject === undefined ? {} : { inject }),
    },
    // What the page has is checked before the run.
    adapter: 'any',
    runtime: 'browser',
    save: undefined,
  };
}

/** Test reports show an error's message and nothing else of it. */
function withRemedy({ code, message, detail, remedy }: TracerError): TracerError {
  return new TracerError({ code, message: `${code}: ${message} ${remedy}`, detail, remedy });
}
