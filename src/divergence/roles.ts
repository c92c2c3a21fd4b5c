import { engineName } from '../model/engines';
import type { EngineCard, Report } from './report';

/** The engine that alone is no candidate: nothing is more exact. */
const EXACT = 'cpu';

/** Who is judged and who judges, from the names of the engines that ran, candidate first. */
export function rolesOf(engines: readonly string[]): Pick<Report['run'], 'candidate' | 'reference'> {
  const [first, second] = engines;
  if (first === undefined) return {};
  if (second === undefined) return first === EXACT ? { reference: cardOf(first) } : { candidate: cardOf(first) };
  return { candidate: cardOf(first), reference: cardOf(second) };
}

function cardOf(engine: string): EngineCard {
  return { engine: engineName(engine) };
}
