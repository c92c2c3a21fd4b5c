import { RUN_MODES } from '../divergence/run-mode';
import { ENGINE_IDS } from '../model/engines';
import { ROUTINGS } from '../session/events';
import { FIRST_STATE, type RunOptions } from './state';

/** Run options as a link carries them: those that are not as at the start. */
export function optionsToLink(options: RunOptions): Readonly<Record<string, string>> {
  const first = texts(FIRST_STATE.options);
  return Object.fromEntries(Object.entries(texts(options)).filter(([name, value]) => value !== first[name]));
}

/** What of a link's options this page knows. Faults are checked when they are put in. */
export function optionsFromLink(said: Readonly<Record<string, string>>): Partial<RunOptions> {
  const engines = (said['arms'] ?? '').split(',');
  const known = ENGINE_IDS.filter((id) => engines.includes(id));
  const mode = RUN_MODES.find((id) => id === said['mode']);
  const routing = ROUTINGS.find((id) => id === said['routing']);
  const inject = (said['inject'] ?? '').split(';').filter((spec) => spec.trim() !== '');
  return {
    ...(known.length === 0 || known.length > 2 ? {} : { engines: known }),
    ...(mode === undefined ? {} : { mode }),
    ...(routing === undefined ? {} : { routing }),
    ...(inject.length === 0 ? {} : { inject }),
    ...(said['stages'] === undefined ? {} : { stages: said['stages'] }),
    ...(said['layers'] === undefined ? {} : { layers: said['layers'] }),
    ...(said['positions'] === undefined ? {} : { positions: said['positions'] }),
    ...(said['decode'] === undefined ? {} : { decode: said['decode'] }),
    ...(said['thorough'] === 'true' ? { thorough: true } : {}),
  };
}

function texts({ engines, inject, thorough, ...typed }: RunOptions): Record<string, string> {
  return { ...typed, arms: engines.join(','), inject: inject.join(';'), thorough: String(thorough) };
}
