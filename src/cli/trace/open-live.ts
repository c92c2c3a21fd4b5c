import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { fail } from '../../base/errors';
import { startLiveProcess } from '../../engine/llama-cpp/child-process';
import { findInstalled } from '../../engine/llama-cpp/install-folder';
import { createLiveEngine } from '../../engine/llama-cpp/live-engine';
import { liveBackend } from '../../model/live';
import type { Host } from '../../session/host';

/** A live llama.cpp in a process of its own, whose code is built beside this file. @throws TracerError `engine-missing`, `usage` */
export const openLive: NonNullable<Host['openLive']> = (engine, model, hparams, options) => {
  const [first] = model.descriptors;
  if (first?.kind !== 'path') {
    throw fail(
      'usage',
      'llama.cpp reads the model itself, from a file of this machine.',
      'Download the model and give its path.',
      { engine },
    );
  }
  const backend = liveBackend(engine) ?? 'cpu';
  const installed = findInstalled(backend, options.library, process, { env: process.env, from: process.cwd() });
  return createLiveEngine({
    id: engine,
    backend,
    model: first.path,
    hparams,
    installed,
    options,
    cores: availableParallelism(),
    start: () => startLiveProcess(fileURLToPath(new URL('./llama-cpp-child.js', import.meta.url))),
  });
};
