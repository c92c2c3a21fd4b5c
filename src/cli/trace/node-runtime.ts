import { availableParallelism } from 'node:os';
import { fail, toErrorData } from '../../base/errors';
import { nodeWorker } from '../../cpu/pool/node-worker';
import { createWorkerPool } from '../../cpu/pool/worker-pool';
import { openDevice } from '../../gpu/device';
import type { ModelFile } from '../../gguf/model-file';
import type { SessionEvent } from '../../session/events';
import type { Host } from '../../session/host';
import { ModelSession } from '../../session/model-session';
import type { Report } from '../../divergence/report';
import { tuningFileStore } from '../tuning-file';
import { openNamedModel } from '../open-model';
import type { TraceRequest } from './request';
import { tensorSaver } from './save-tensors';
import { offerSoftwareGpu } from './software-gpu';

/**
 * Runs a request in this process: WebGPU by Dawn, the reference in worker threads.
 * @throws TracerError of the file, the prompt, the adapter or the run
 */
export async function runInNode(
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
): Promise<Report> {
  const model = await openNamedModel(request.model, signal);
  const saver = request.save === undefined ? undefined : tensorSaver(request.save);
  let session: ModelSession | undefined;
  try {
    session = new ModelSession(model, nodeHost(request.adapter));
    const { prompt } = request;
    const tokens = prompt.kind === 'tokens' ? prompt.tokens : session.tokenize(prompt.text, { chat: prompt.chat });
    const spec = { ...request.spec, tokens, ...(prompt.kind === 'text' ? { prompt: prompt.text } : {}) };
    const onTap = saver === undefined ? {} : { onTap: saver.save };
    const report = await session.run(spec, { onEvent, signal, ...onTap });
    await saver?.finish({ report, weightTypes: weightTypes(model) });
    return report;
  } finally {
    await saver?.close();
    await (session ?? { dispose: () => model.close() }).dispose();
  }
}

function weightTypes(model: ModelFile): Readonly<Record<string, string>> {
  return Object.fromEntries([...model.tensors].map(([name, tensor]) => [name, tensor.type]));
}

/** Dawn and worker threads: one a core, their code built beside this file. */
export function nodeHost(adapter: TraceRequest['adapter']): Host {
  return {
    runtime: 'node',
    tuning: tuningFileStore(),
    async openGpu() {
      offerSoftwareGpu(adapter);
      const { nodeGpu } = await import('../../gpu/node-device').catch((error: unknown) => {
        throw fail(
          'gpu-unavailable',
          `Dawn cannot be loaded in this Node: ${error instanceof Error ? error.message : String(error)}`,
          'Use --runtime browser, or a platform that the npm package webgpu has a build for.',
          { platform: `${process.platform}-${process.arch}` },
          error,
        );
      });
      return openDevice(nodeGpu(), { adapter }).catch((error: unknown) => {
        if (toErrorData(error).code !== 'gpu-unavailable') throw error;
        throw fail(
          'gpu-unavailable',
          'Dawn finds no WebGPU adapter on this machine.',
          'Install a GPU driver with Vulkan, or Chromium for its software GPU (with libvulkan1 for the loader).',
          { adapter },
          error,
        );
      });
    },
    createPool(model) {
      const entry = new URL('./cpu-worker.js', import.meta.url);
      const workers = Array.from({ length: availableParallelism() }, () => nodeWorker(entry));
      return createWorkerPool(model, workers);
    },
  };
}
