import { availableParallelism, totalmem } from 'node:os';
import { orCancelled } from '../../base/abort';
import { fail, reasonOf, toErrorData } from '../../base/errors';
import { nodeWorker } from '../../cpu/pool/node-worker';
import { judgesFor } from '../../session/judging/judge-pool';
import type { FromReference, ReferenceWorker, ToReference } from '../../session/reference/protocol';
import { referenceFor } from '../../session/reference/reference-thread';
import { createWorkerPool } from '../../cpu/pool/worker-pool';
import { openDevice } from '../../gpu/device';
import { SharedDevice } from '../../gpu/shared-device';
import type { ModelFile } from '../../gguf/model-file';
import type { Capture } from '../../model/engine';
import type { SessionEvent } from '../../session/events';
import type { Host } from '../../session/host';
import { ModelSession } from '../../session/model-session';
import type { AdapterCard } from '../../model/adapter-card';
import type { Report } from '../../divergence/report';
import { nodeTemplateThread } from '../../tokenizer/template-thread/node';
import { rendererIn } from '../../tokenizer/template-thread/renderer';
import { chooseDevice } from './choose-device';
import { tuningFileStore } from '../files/tuning-file';
import { openNamedModel } from '../files/open-model';
import type { TraceRequest } from './request';
import { tensorSaver } from './save-tensors';
import { openLive } from './open-live';
import { offerSoftwareGpu } from './software-gpu';

/** Runs requests in this process, one after another. */
export interface NodeRunner {
  /** @throws TracerError of the file, the prompt, the adapter or the run */
  run(request: TraceRequest, onEvent: (event: SessionEvent) => void, signal: AbortSignal): Promise<Report>;
  /** The adapter that runs use. @throws TracerError `gpu-unavailable`, `gpu-adapter` */
  adapter(): Promise<AdapterCard>;
  /** Frees the GPU, ends the threads, closes the file. */
  dispose(): Promise<void>;
}

/**
 * WebGPU by Dawn, the reference in worker threads. The device stays open from run to run, and so does a model for as long as the next run
 * is of the same one. After a failure everything is opened afresh.
 */
export function nodeRunner(wanted: GpuWish): NodeRunner {
  const host = nodeHost(wanted);
  const device = new SharedDevice(host.openGpu);
  let open: { readonly name: string; readonly session: ModelSession } | undefined;
  const close = async (): Promise<void> => {
    const { session } = open ?? {};
    open = undefined;
    await session?.dispose();
  };
  const sessionOf = async ({ model: files, headers }: TraceRequest, signal: AbortSignal): Promise<ModelSession> => {
    const name = files.join('\n');
    if (open?.name === name) return open.session;
    await close();
    const model = await openNamedModel(files, { signal, headers });
    try {
      const session = new ModelSession(model, { ...host, openGpu: () => device.context() });
      open = { name, session };
      return session;
    } catch (error) {
      await model.close();
      throw error;
    }
  };
  /** What runs, also where nobody waits for it any more: a GPU ends what it was given. */
  let running: Promise<unknown> = Promise.resolve();
  const dispose = async (): Promise<void> => {
    await running.catch(() => undefined);
    await close();
    await device.dispose();
  };
  return {
    async run(request, onEvent, signal) {
      try {
        const session = await sessionOf(request, signal);
        const started = (run: Promise<unknown>): void => void (running = run);
        return await runIn(session, request, onEvent, signal, started);
      } catch (error) {
        const disposed = dispose();
        // A cancel is answered at once.
        if (signal.aborted) disposed.catch(() => undefined);
        else await disposed;
        throw error;
      }
    },
    async adapter() {
      const context = await device.context();
      const { card } = context;
      context.dispose();
      return card;
    },
    dispose,
  };
}

async function runIn(
  session: ModelSession,
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
  started: (run: Promise<unknown>) => void,
): Promise<Report> {
  const saver = request.save === undefined ? undefined : tensorSaver(request.save);
  let saving: Promise<void> | undefined;
  try {
    const { prompt } = request;
    const tokens = prompt.kind === 'tokens' ? prompt.tokens : await session.tokenize(prompt.text, prompt, signal);
    request.before?.({ headerSha256: session.card.headerSha256, tokens });
    const spec = { ...request.spec, tokens, ...(prompt.kind === 'text' ? { prompt: prompt.text } : {}) };
    const save = (folder: string, captured: Capture): Promise<void> | undefined =>
      signal.aborted ? undefined : (saving = saver?.save(folder, captured));
    const run = session.run(spec, { onEvent, signal, ...(saver === undefined ? {} : { onCapture: save }) });
    started(run);
    const report = await orCancelled(run, signal);
    await saver?.finish({ report, weightTypes: weightTypes(session.model) });
    return report;
  } finally {
    await saving?.catch(() => undefined);
    await saver?.close();
  }
}

function weightTypes(model: ModelFile): Readonly<Record<string, string>> {
  return Object.fromEntries([...model.tensors].map(([name, tensor]) => [name, tensor.type]));
}

/** Which GPU is asked for. */
export interface GpuWish {
  readonly adapter: TraceRequest['adapter'];
  /** `--device`. */
  readonly device?: string | undefined;
}

/** All sessions of this process share a thread. */
const renderChat = rendererIn(() => nodeTemplateThread(new URL('./template-worker.js', import.meta.url)));

/** What the machine has, or less where a container is given less. */
function machineMemory(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** NVIDIA's driver on Linux refuses what it has no memory for; others page it out to the computer's. */
function refusesMemory({ vendor }: AdapterCard): boolean {
  return process.platform === 'linux' && vendor === 'nvidia';
}

/** Dawn and worker threads: one a core, their code built beside this file. */
export function nodeHost({ adapter, device }: GpuWish): Host {
  return {
    runtime: 'node',
    tuning: tuningFileStore(),
    memoryBytes: machineMemory(),
    async openGpu() {
      offerSoftwareGpu(adapter);
      const { nodeAdapters, nodeGpu } = await import('../../gpu/node-device').catch((error: unknown) => {
        throw fail(
          'gpu-unavailable',
          `Dawn cannot be loaded in this Node: ${reasonOf(error)}`,
          'Use --runtime browser, or a platform that the npm package webgpu has a build for.',
          { platform: `${process.platform}-${process.arch}` },
          error,
        );
      });
      const name = device === undefined ? undefined : chooseDevice(device, await nodeAdapters());
      return openDevice(nodeGpu(name), { adapter, refusesMemory }).catch((error: unknown) => {
        if (toErrorData(error).code !== 'gpu-unavailable') throw error;
        throw fail(
          'gpu-unavailable',
          'Dawn finds no WebGPU adapter on this machine.',
          adapter === 'hardware'
            ? 'Install the driver of a GPU, with Vulkan, or leave out --adapter hardware.'
            : 'Install a GPU driver with Vulkan, or Chromium for its software GPU (with libvulkan1 for the loader).',
          { adapter },
          error,
        );
      });
    },
    openLive,
    renderChat,
    createPool(model) {
      const entry = new URL('./cpu-worker.js', import.meta.url);
      const workers = Array.from({ length: availableParallelism() }, () => nodeWorker(entry));
      return createWorkerPool(model, workers);
    },
    createJudges(model, hparams) {
      const entry = new URL('./judge-worker.js', import.meta.url);
      return judgesFor(model, hparams, availableParallelism(), () => nodeWorker(entry, 'moescope-judge'));
    },
    createReference(model, hparams, hooks) {
      const entry = new URL('./reference-worker.js', import.meta.url);
      const start = (): ReferenceWorker => nodeWorker<ToReference, FromReference>(entry, 'moescope-reference');
      return referenceFor(model, hparams, availableParallelism(), hooks, start);
    },
  };
}
