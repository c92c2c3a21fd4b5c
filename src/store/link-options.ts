import { RUN_MODES } from '../divergence/run-mode';
import { RUN_ARM_IDS } from '../model/arms';
import { ROUTINGS } from '../session/events';
import { FIRST_STATE, type RunOptions } from './state';

/** Run options as a link carries them: those that are not as at the start. */
export function optionsToLink(options: RunOptions): Readonly<Record<string, string>> {
  const first = texts(FIRST_STATE.options);
  return Object.fromEntries(Object.entries(texts(options)).filter(([name, value]) => value !== first[name]));
}

/** What of a link's options this page knows. Faults are checked when they are put in. */
export function optionsFromLink(said: Readonly<Record<string, string>>): Partial<RunOptions> {
  const arms = (said['arms'] ?? '').split(',');
  const known = RUN_ARM_IDS.filter((id) => arms.includes(id));
  const mode = RUN_MODES.find((id) => id === said['mode']);
  const routing = ROUTINGS.find((id) => id === said['routing']);
  const inject = (said['inject'] ?? '').split(';').filter((spec) => spec.trim() !== '');
  return {
    ...(known.length === 0 || known.length > 2 ? {} : { arms: known }),
    ...(mode === undefined ? {} : { mode }),
    ...(routing === undefined ? {} : { routing }),
    ...(inject.length === 0 ? {} : { inject }),
    ...(said['stages'] === undefined ? {} : { stages: said['stages'] }),
    ...(said['layers'] === undefined ? {} : { layers: said['layers'] }),
    ...(said['positions'] === undefined ? {} : { positions: said['positions'] }),
  };
}

function texts({ arms, mode, routing, inject, stages, layers, positions }: RunOptions): Record<string, string> {
  return { arms: arms.join(','), mode, routing, inject: inject.join(';'), stages, layers, positions };
}
