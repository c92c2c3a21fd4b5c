import { availableParallelism } from 'node:os';
import { fail, reasonOf, toErrorData } from '../../base/errors';
import { nodeWorker } from '../../cpu/pool/node-worker';
import { createWorkerPool } from '../../cpu/pool/worker-pool';
import { openDevice } from '../../gpu/device';
import { SharedDevice } from '../../gpu/shared-device';
import type { ModelFile } from '../../gguf/model-file';
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
  const dispose = async (): Promise<void> => {
    await close();
    await device.dispose();
  };
  return {
    async run(request, onEvent, signal) {
      try {
        return await runIn(await sessionOf(request, signal), request, onEvent, signal);
      } catch (error) {
        await dispose();
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
): Promise<Report> {
  const saver = request.save === undefined ? undefined : tensorSaver(request.save);
  try {
    const { prompt } = request;
    const tokens = prompt.kind === 'tokens' ? prompt.tokens : await session.tokenize(prompt.text, prompt, signal);
    request.before?.({ headerSha256: session.card.headerSha256, tokens });
    const spec = { ...request.spec, tokens, ...(prompt.kind === 'text' ? { prompt: prompt.text } : {}) };
    const onTap = saver === undefined ? {} : { onTap: saver.save };
    const report = await session.run(spec, { onEvent, signal, ...onTap });
    await saver?.finish({ report, weightTypes: weightTypes(session.model) });
    return report;
  } finally {
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

/** Dawn and worker threads: one a core, their code built beside this file. */
export function nodeHost({ adapter, device }: GpuWish): Host {
  return {
    runtime: 'node',
    tuning: tuningFileStore(),
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
      return openDevice(nodeGpu(name), { adapter }).catch((error: unknown) => {
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
  };
}
