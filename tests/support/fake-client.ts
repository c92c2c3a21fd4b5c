import { fail, type ErrorData } from '../../src/base/errors';
import type { AdapterCard, Report, Row } from '../../src/divergence/report';
import type { SlicePlace } from '../../src/divergence/capture-slice';
import type { CaptureAnswer } from '../../src/session/capture-inspector';
import type { Progress, RunPhase } from '../../src/session/events';
import type { ReadResult } from '../../src/worker/trace-cards';
import type { EngineClient } from '../../src/worker/client-types';
import type { OpenedModel } from '../../src/worker/opened-model';
import type { PageSource } from '../../src/worker/page-source';

export interface FakeOptions {
  /** What the model's run yields. */
  readonly report: Report;
  readonly adapter?: AdapterCard | ErrorData;
  /** Called between two steps of a run; resolve it to let the run go on. */
  readonly pause?: () => Promise<void>;
  /** Names that `open` refuses, with the error. */
  readonly refuse?: ReadonlyMap<string, ErrorData>;
  /** The run fails with this after its first layer. */
  readonly failRun?: ErrorData;
  readonly chatTemplate?: boolean;
  /** Bytes of memory that the browser has, where it says so. */
  readonly memoryBytes?: number;
  /** What reading trace files yields. */
  readonly readResult?: ReadResult;
  /** What the inspector is told. */
  readonly captures?: (place: SlicePlace) => CaptureAnswer;
  readonly fetched?: (place: SlicePlace) => CaptureAnswer;
}

const NO_CAPTURES = { bytes: 0, budget: 1, kept: 0, dropped: 0 };

export interface FakeClient extends EngineClient {
  readonly calls: string[];
  /** Places whose tensors were asked for: layer, stage, position, mode. */
  readonly asked: string[];
  /** The sources of the last `open`. */
  readonly opened: PageSource[];
}

/** An engine that replays a report layer by layer, with the events of a real run in their order. */
export function fakeClient(options: FakeOptions): FakeClient {
  const { report, pause = () => Promise.resolve() } = options;
  const calls: string[] = [];
  const asked: string[] = [];
  const opened: PageSource[] = [];
  let cancelled = false;
  let running = false;

  return {
    calls,
    asked,
    opened,
    open: async (descriptors) => {
      calls.push('open');
      const first = descriptors[0];
      const name = first !== undefined && 'name' in first ? first.name : '';
      await pause();
      const refusal = options.refuse?.get(name);
      if (refusal !== undefined) throw fail(refusal.code, refusal.message, refusal.remedy, refusal.detail);
      opened.splice(0, opened.length, ...descriptors);
      return openedModel(report, options);
    },
    tokenize: async (text, { chat }) => {
      calls.push(`tokenize ${chat ? 'chat ' : ''}${text}`);
      await Promise.resolve();
      if (text === '') throw fail('prompt-empty', 'The prompt is empty.', 'Type one.');
      const words = text.match(/ ?[^ ]+| /g) ?? [];
      return { ids: words.map((word) => word.length * 7), texts: words };
    },
    tokenTexts: async (ids) => {
      calls.push('tokenTexts');
      await Promise.resolve();
      return ids.map((id) => `<${String(id)}>`);
    },
    run: async (spec, onEvent) => {
      if (running) throw fail('run-busy', 'A run is under way.', 'Wait for it, or cancel it.');
      calls.push(`run ${spec.engines.join('+')} ${spec.tokens.join(',')}`);
      running = true;
      cancelled = false;
      let bytes = 0;
      const say = (phase: RunPhase, done: number, total: number): void => {
        const progress: Progress = {
          phase,
          done,
          total,
          bytes,
          rate: 48_000_000,
          ...(phase === 'layers' ? { secondsLeft: 0.4 * (total - done), tensor: tensorOf(done) } : {}),
        };
        onEvent({ type: 'progress', progress });
      };
      try {
        onEvent({
          type: 'started',
          ...(report.adapter === undefined ? {} : { adapter: report.adapter }),
          nLayer: report.model.hparams.nLayer,
        });
        say('prepare', 1, 1);
        const { layers } = report.run;
        for (const [i, layer] of layers.entries()) {
          say('layers', i, layers.length);
          await pause();
          if (cancelled) {
            onEvent({ type: 'cancelled', layersDone: i });
            return;
          }
          if (options.failRun !== undefined && i > 0) {
            onEvent({ type: 'failed', error: options.failRun });
            return;
          }
          bytes += report.memory.bytesRead / layers.length;
          const rows = report.rows.filter((r) => r.layer === layer || (i === 0 && r.stage === 'embedding'));
          onEvent({ type: 'rows', layer, rows, routing: report.routing.filter((r) => r.layer === layer) });
          say('layers', i + 1, layers.length);
        }
        say('head', 0, 1);
        const last = report.rows.filter((r: Row) => r.layer === undefined && r.stage !== 'embedding');
        onEvent({ type: 'rows', layer: undefined, rows: last, routing: [] });
        onEvent({ type: 'done', report: { ...report, run: { ...report.run, tokens: spec.tokens } } });
      } finally {
        running = false;
      }
    },
    captureSlice: async (place) => {
      asked.push(`${String(place.layer)} ${place.stage} ${String(place.position)} ${place.mode}`);
      await Promise.resolve();
      return options.captures?.(place) ?? { kind: 'absent', usage: NO_CAPTURES };
    },
    fetchCaptures: async (place) => {
      calls.push(`fetchCaptures ${String(place.layer)} ${place.stage}`);
      await pause();
      return options.fetched?.(place) ?? { kind: 'absent', usage: NO_CAPTURES };
    },
    generate: async (_, tokens, count, onToken) => {
      calls.push(`generate ${String(tokens.length)} +${String(count)}`);
      cancelled = false;
      for (let i = 0; i < count; i++) {
        await pause();
        if (cancelled) throw fail('run-cancelled', 'Cancelled.', 'Run again.');
        const position = tokens.length + i;
        const a = { token: 300 + i, text: ` a${String(i)}`, logit: 12.5, lead: 1.25 };
        const b = i === 2 ? { ...a, token: 7, text: ' b' } : a;
        onToken({ position, token: a.token, text: a.text, a, b, agree: a.token === b.token, ms: 20 });
      }
      return 'count';
    },
    inspect: () => Promise.reject(fail('usage', 'A replay has no file.', 'Open a model.')),
    scan: () => Promise.reject(fail('usage', 'A replay has no file.', 'Open a model.')),
    bench: () => Promise.reject(fail('usage', 'A replay cannot be measured.', 'Open a model.')),
    readTraceFiles: async (files) => {
      calls.push(`readTraceFiles ${String(files.length)}`);
      await Promise.resolve();
      return options.readResult ?? { traces: [], views: [], ignored: [] };
    },
    traces: async () => {
      await Promise.resolve();
      return options.readResult?.traces ?? [];
    },
    compareTraces: async (a, b, { common, force }) => {
      calls.push(`compare ${a} ${b}${common ? ' common' : ''}${force ? ' force' : ''}`);
      await Promise.resolve();
      return { ...report, notes: ['a note'] };
    },
    saveTensors: async (format) => {
      calls.push(`saveTensors ${format}`);
      await Promise.resolve();
      return new Blob([format]);
    },
    resume: async () => {
      calls.push('resume');
      await Promise.resolve();
    },
    cancel: async () => {
      calls.push('cancel');
      cancelled = true;
      await Promise.resolve();
    },
    adapter: async () => {
      await Promise.resolve();
      return options.adapter ?? report.adapter ?? NO_WEBGPU;
    },
  };
}

/** What the engine says in a browser without WebGPU. */
export const NO_WEBGPU: ErrorData = {
  code: 'gpu-unavailable',
  message: 'This browser or runtime has no WebGPU.',
  detail: { check: 'navigator.gpu', expected: 'present', actual: 'missing' },
  remedy: 'Use a browser with WebGPU, switch hardware acceleration on, and open the page over https or from localhost.',
};

function openedModel(report: Report, options: FakeOptions): OpenedModel {
  const { model } = report;
  return {
    card: model,
    weights: [
      {
        name: 'blk.*.ffn_down_exps.weight',
        dims: [768, 2048, 128],
        count: 2,
        bytes: 1_000_000,
        types: [{ type: 'Q4_K', layers: [0, 1] }],
      },
    ],
    preflight: {
      headerBytes: 212_000,
      readBytes: Math.round(model.bytes * 1.9),
      gpu: { wantBytes: model.bytes, needBytes: Math.round(model.bytes / 24), allowedBytes: 8_589_934_592 },
      cpu: {
        ...{ wantBytes: 201_326_592, needBytes: 134_217_728 },
        ...(options.memoryBytes === undefined ? {} : { allowedBytes: options.memoryBytes }),
      },
      largestBinding: { tensor: 'token_embd.weight', bytes: 12_800_000, allowedBytes: 134_217_728 },
      chatTemplate: options.chatTemplate ?? true,
    },
  };
}

function tensorOf(layer: number): string {
  return `blk.${String(layer)}.ffn_down_exps.weight`;
}
