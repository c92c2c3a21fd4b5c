import { fail, TracerError } from '../base/errors';
import type { Report } from '../divergence/report';
import { reportToJson } from '../divergence/report-json';
import { inEngineOrder } from '../model/engines';
import type { SessionEvent } from '../session/events';
import { readRunRequest, type RunRequest } from '../session/run-request';
import type { OpenedModel } from '../worker/opened-model';
import type { PageSource } from '../worker/page-source';
import type { AppStore } from './app-store';
import { sourceOf } from './page-url';
import { FIRST_STATE } from './state';

/** A model file: one of the browser's, its address (relative to the page), or what the engine opens. */
export type PageFile = File | string | PageSource;

/**
 * `window.moescope`: the page for programs. What they do shows on the page as if a person had done it, and every promise rejects with a
 * `TracerError` (`code`, `message`, `detail`, `remedy`).
 */
export interface PageApi {
  /**
   * Opens a model: one file, or all parts of a split one. A run under way is cancelled first.
   * @throws TracerError `gguf-*`, `source-*`, `usage` (no file), `run-cancelled` (a later request won)
   */
  open(files: readonly PageFile[]): Promise<OpenedModel>;
  /**
   * Runs the open model.
   * @param onEvent given the run's events as they happen; `progress` about twelve times a second
   * @returns the report, as {@link report} gives it
   * @throws TracerError `usage`, `run-busy`, `run-cancelled`, and the prompt's, the adapter's and the run's own errors
   */
  run(request: RunRequest, onEvent?: (event: SessionEvent) => void): Promise<unknown>;
  /** Goes on with a run whose GPU was lost (event `lost`). */
  resume(): Promise<void>;
  /** Ends the run under way. */
  cancel(): Promise<void>;
  /**
   * The report of the run, as JSON holds it (numbers that are not finite are strings). Waits for a run to finish; never the recorded
   * trace. Rejects with the run's error, or `run-cancelled`.
   */
  report(): Promise<unknown>;
}

export function pageApi({ actions, getState, subscribe }: AppStore): PageApi {
  return {
    open: async (files) => {
      if (files.length === 0)
        throw fail('usage', 'No file was given.', 'Give a model file, or all parts of a split one.');
      const outcome = await actions.open(files.map((file) => (file instanceof Blob ? blobOf(file) : toSource(file))));
      switch (outcome.kind) {
        case 'opened':
          return outcome.model;
        case 'failed':
          throw new TracerError(outcome.error);
        case 'superseded':
          throw fail('run-cancelled', 'Another model was opened meanwhile.', 'Open one model at a time.');
      }
    },
    run: async (request, onEvent) => {
      const { prompt, chat = false, tokens, ...parts } = readRunRequest(request);
      const { phase, opened } = getState();
      if (phase === 'running' || phase === 'loading') {
        throw fail('run-busy', 'The page is opening a model, or runs one.', 'Wait for it, or cancel it.', { phase });
      }
      if (opened === undefined) throw fail('usage', 'No model is open.', 'Open one first.');
      const { decode: noDecode, thorough: notThorough, ...first } = FIRST_STATE.options;
      const spec = { ...first, ...parts };
      const engines = inEngineOrder(spec.engines);
      const { mode, routing, inject, stages, layers, positions, ...rest } = spec;
      const { decode = noDecode, thorough = notThorough } = parts;
      // The page's fields show what runs.
      const fields = { engines, mode, routing, inject, stages, layers, positions };
      actions.setOptions({ ...fields, decode: String(decode), thorough });
      if (tokens !== undefined) actions.setTokenIds(tokens.join(', '));
      else {
        actions.setPromptText(prompt ?? '');
        actions.setChat(chat);
      }
      const ranges = { stages, layers, positions };
      const faults = { ...(routing === 'own' ? {} : { routing }), ...(inject.length === 0 ? {} : { inject }) };
      const outcome = await actions.runInstead({ spec: { ...rest, engines, mode, ...ranges, ...faults } }, onEvent);
      switch (outcome.kind) {
        case 'done':
          return asJson(outcome.report);
        case 'failed':
          throw new TracerError(outcome.error);
        case 'cancelled':
          throw runCancelled();
        case 'superseded':
          throw fail('run-busy', 'Another run or model took the page first.', 'Run one at a time.');
      }
    },
    resume: actions.resume,
    cancel: actions.cancel,
    report: () =>
      new Promise((resolve, reject) => {
        const settle = (): boolean => {
          const { phase, report, error } = getState();
          if (phase === 'done' && report !== undefined) resolve(asJson(report));
          else if (phase === 'error' && error !== undefined) reject(new TracerError(error));
          else if (phase === 'cancelled') reject(runCancelled());
          else return false;
          return true;
        };
        if (settle()) return;
        const stop = subscribe(() => {
          if (settle()) stop();
        });
      }),
  };
}

function blobOf(file: Blob): PageSource {
  return { kind: 'blob', name: file instanceof File ? file.name : 'file', blob: file };
}

function toSource(file: string | PageSource): PageSource {
  return typeof file === 'string' ? sourceOf(file, location.href) : file;
}

function asJson(report: Report): unknown {
  return JSON.parse(reportToJson(report));
}

function runCancelled(): TracerError {
  return fail('run-cancelled', 'The run was cancelled.', 'Run it again.');
}

declare global {
  interface Window {
    moescope: PageApi;
  }
}
