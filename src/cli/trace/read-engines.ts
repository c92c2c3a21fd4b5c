import { fail } from '../../base/errors';
import { inEngineOrder, type RunEngineId } from '../../model/engines';
import { liveBackend, type LiveOptions } from '../../model/live';
import type { Arguments } from '../command-line/arguments';
import { CANDIDATE, CANDIDATE_FILE, FLASH, KV, LIB, LIVE_OPTIONS, REFERENCE, THREADS, UBATCH } from './live-options';

/** Which engines a command line asks for. @throws TracerError `usage` */
export function readEngines(
  args: Arguments,
  engines: readonly RunEngineId[] | undefined,
): { readonly engines: readonly RunEngineId[]; readonly live?: LiveOptions } {
  const candidate = args.get(CANDIDATE);
  const reference = args.get(REFERENCE);
  if (engines !== undefined && (candidate ?? reference) !== undefined) {
    throw fail(
      'usage',
      '--engines and --candidate say the same thing.',
      'Give --candidate and --reference, or --engines.',
      {},
    );
  }
  const chosen = engines ?? [candidate ?? 'gpu', reference ?? 'cpu'];
  const inOrder = inEngineOrder(chosen);
  if (new Set(chosen).size !== chosen.length || (engines === undefined && inOrder.join() !== chosen.join())) {
    throw fail(
      'usage',
      `${chosen[1] ?? ''} cannot be the reference of ${chosen[0] ?? ''}.`,
      `Choose a reference that comes later: gpu, ggml, exact-gpu, exact.`,
      { candidate: chosen[0] ?? '', reference: chosen[1] ?? '' },
    );
  }
  const live = liveOptions(args);
  if (inOrder.some((engine) => liveBackend(engine) !== undefined)) return { engines: inOrder, live };
  const idle = LIVE_OPTIONS.find((option) => args.get<unknown>(option) !== undefined);
  if (idle !== undefined)
    throw fail(
      'usage',
      `--${idle.name} is for a llama.cpp, which this run does not have.`,
      'Add --candidate llama.cpp:cpu, or leave it out.',
      { option: `--${idle.name}` },
    );
  return { engines: inOrder };
}

function liveOptions(args: Arguments): LiveOptions {
  const [library, model, flashAttention, kv, ubatch, threads] = [
    args.get(LIB),
    args.get(CANDIDATE_FILE),
    args.get(FLASH),
    args.get(KV),
    args.get(UBATCH),
    args.get(THREADS),
  ];
  return {
    ...(library === undefined ? {} : { library }),
    ...(model === undefined ? {} : { model }),
    ...(flashAttention === undefined ? {} : { flashAttention }),
    ...(kv === undefined ? {} : { kv }),
    ...(ubatch === undefined || ubatch === 0 ? {} : { ubatch }),
    ...(threads === undefined || threads === 0 ? {} : { threads }),
  };
}
