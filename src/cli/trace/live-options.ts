import { ENGINE_NAMES, engineOfName, type RunEngineId } from '../../model/engines';
import { FLASH_ATTENTION, KV_TYPES, LIVE_ENGINES } from '../../model/live';
import { badValue, parseChoice, parseCount, parseEngine, parseText, type Option } from '../command-line/option';

const CANDIDATES: readonly string[] = [...ENGINE_NAMES, 'llama.cpp', ...LIVE_ENGINES];
/** The most exact first. */
const REFERENCES: readonly string[] = ENGINE_NAMES.toReversed();

/** The engine under test. */
export const CANDIDATE: Option<RunEngineId> = {
  name: 'candidate',
  placeholder: 'ENGINE',
  help: `the engine under test: ${CANDIDATES.join(', ')}; a llama.cpp is run as it is and captured (moescope setup llama.cpp installs one)`,
  parse: (raw, flag) => parseEngine(raw, flag, CANDIDATES),
  suggests: CANDIDATES,
};
export const REFERENCE: Option<RunEngineId> = {
  name: 'reference',
  placeholder: 'ENGINE',
  help: `what the candidate is held to: ${REFERENCES.join(', ')}; exact unless said otherwise`,
  parse: (raw, flag) => {
    const engine = engineOfName(raw);
    if (engine === undefined) throw badValue(flag, raw, `one of ${REFERENCES.join(', ')}`);
    return engine;
  },
  suggests: REFERENCES,
};
export const LIB: Option<string> = {
  name: 'lib',
  placeholder: 'PATH',
  help: "llama.cpp: a shared library of one's own build, or the folder that holds it",
  parse: parseText,
};
export const CANDIDATE_FILE: Option<string> = {
  name: 'candidate-file',
  placeholder: 'FILE',
  help: 'llama.cpp: the file that it reads, where that is another copy of MODEL, which the reference reads',
  parse: parseText,
};
export const FLASH: Option<(typeof FLASH_ATTENTION)[number]> = {
  name: 'flash-attention',
  placeholder: 'WHEN',
  help: 'llama.cpp: on, off or auto (its default); fused attention keeps no scores',
  parse: parseChoice(FLASH_ATTENTION),
};
export const KV: Option<(typeof KV_TYPES)[number]> = {
  name: 'kv',
  placeholder: 'TYPE',
  help: 'llama.cpp: type of cached keys and values, f16 (its default) or f32',
  parse: parseChoice(KV_TYPES),
};
export const UBATCH: Option<number> = {
  name: 'ubatch',
  placeholder: 'N',
  help: 'llama.cpp: tokens of one run of its graph; the whole prompt unless said otherwise',
  parse: parseCount,
};
export const THREADS: Option<number> = {
  name: 'threads',
  placeholder: 'N',
  help: 'llama.cpp: CPU threads; one a core unless said otherwise',
  parse: parseCount,
};

/** All options of a live llama.cpp. */
export const LIVE_OPTIONS = [LIB, CANDIDATE_FILE, FLASH, KV, UBATCH, THREADS] as const;
