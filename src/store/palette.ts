import { LAYER_STAGES, stageSpec, type StageId } from '../model/stages';
import type { Place } from '../plots/select-walk';
import type { TraceView } from '../plots/trace-view';
import type { AppStore } from './app-store';
import { COMMANDS, keyText, type Command } from './commands';
import type { AppState } from './state';
import { selectPlace, selectView } from './view';

/** A line of the palette. */
export interface PaletteLine {
  readonly id: string;
  readonly title: string;
  readonly key: string | undefined;
  run(store: AppStore): void;
}

const MOST = 12;

/** What typed words may mean: commands, and places of the trace such as `12`, `moe_router`, `layer 12 router token 3`. */
export function paletteLines(text: string, state: AppState): readonly PaletteLine[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const commands = COMMANDS.filter(
    (c: Command) => c.id !== 'palette' && c.enabled(state) && matches(c.title, words),
  ).map((c: Command): PaletteLine => ({
    id: c.id,
    title: c.title,
    key: keyText(c),
    run: (store) => {
      c.run(store);
    },
  }));
  const view = selectView(state);
  const places = view === undefined ? [] : placesOf(words, view, selectPlace(state));
  return [...(places.length > 0 && /\d/.test(text) ? [...places, ...commands] : [...commands, ...places])].slice(
    0,
    words.length === 0 ? COMMANDS.length : MOST,
  );
}

function matches(title: string, words: readonly string[]): boolean {
  const lower = title.toLowerCase();
  return words.every((word) => lower.includes(word));
}

/** Numbers are the layer, then the token, unless a word before them says which; other words are parts of stage names. */
function placesOf(words: readonly string[], view: TraceView, here: Place | undefined): readonly PaletteLine[] {
  if (words.length === 0) return [];
  const { layer, token, names } = parse(words);
  if (layer !== undefined && !view.layers.includes(layer)) return [];
  if (token !== undefined && !view.positions.includes(token)) return [];
  const stages: readonly StageId[] =
    names.length === 0
      ? [here?.stage ?? 'moe_router']
      : LAYER_STAGES.filter((id) =>
          names.every((name) => id.includes(name) || stageSpec(id).title.toLowerCase().includes(name)),
        );
  const at = layer ?? here?.layer ?? view.layers[0];
  if (at === undefined || (names.length === 0 && layer === undefined && token === undefined)) return [];
  return stages.slice(0, 6).map((stage) => {
    const position = token;
    const title = `layer ${String(at)}, ${stageSpec(stage).title}${position === undefined ? '' : `, token ${String(position)}`}`;
    return {
      id: `place-${stage}-${String(at)}-${String(position)}`,
      title: `Look at ${title}`,
      key: undefined,
      run: (store) => {
        store.actions.select({ layer: at, stage, position });
      },
    };
  });
}

function parse(words: readonly string[]): {
  readonly layer: number | undefined;
  readonly token: number | undefined;
  readonly names: readonly string[];
} {
  const names: string[] = [];
  let layer: number | undefined;
  let token: number | undefined;
  let said: 'layer' | 'token' | undefined;
  for (const word of words) {
    if (/^(?:layer|l)$/.test(word)) said = 'layer';
    else if (/^(?:token|t|position)$/.test(word)) said = 'token';
    else if (/^\d{1,7}$/.test(word)) {
      const which = said ?? (layer === undefined ? 'layer' : 'token');
      if (which === 'layer') layer = Number(word);
      else token = Number(word);
      said = undefined;
    } else names.push(word);
  }
  return { layer, token, names };
}
