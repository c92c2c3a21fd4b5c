import { SHARE_LIMITS } from './limits';
import { without } from '../base/without';
import {
  oldMeasure,
  readBasis,
  readIndex,
  readStage,
  readTab,
  readUnit,
  readWindow,
  type ViewState,
} from './view-state';

/** What a link holds besides the address of the page: how a trace is looked at, of which model it was, and how it was run. */
export interface Permalink {
  readonly view: ViewState;
  /** The model that the trace is of, to say so where another one is on the page. */
  readonly model?: { readonly name: string; readonly hash: string };
  /** Run options as typed, by their names. */
  readonly options: Readonly<Record<string, string>>;
  /** Only where the person chose so. */
  readonly prompt?: string;
  readonly tokens?: string;
  /** The run itself, small enough for a link (`packSummary`). */
  readonly summary?: string;
  /** The run's name among those that this browser keeps. */
  readonly run?: string;
}

export const LINK_VERSION = 4;
/** Characters of the header's hash: enough to tell files apart, short enough to read. */
export const LINK_HASH = 12;

type Fields = ReadonlyMap<string, string>;

/**
 * What turns a link of a version into one of the next. Version 1 had one `at` (layer.stage.token), and full names; version 2 knew no expert,
 * no cut of the prompt and one measure of the heatmap; version 3 had a measure for each figure, where the page now has one.
 */
const UPGRADES: Readonly<Record<number, (old: Fields) => Fields>> = {
  1: (old) => {
    const fields = new Map<string, string>();
    const take = (from: string, to: string): void => {
      const value = old.get(from);
      if (value !== undefined) fields.set(to, value);
    };
    const [layer, stage, token] = (old.get('at') ?? '').split('.');
    if (stage !== undefined && stage !== '') fields.set('s', stage);
    if (layer !== undefined && layer !== '' && layer !== '-') fields.set('l', layer);
    if (token !== undefined && token !== '') fields.set('t', token);
    take('metric', 'x');
    take('heat', 'h');
    take('table', 'n');
    take('header', 'm');
    take('model', 'name');
    return fields;
  },
  2: (old) => new Map([...old].filter(([name]) => !['e', 'p', 'c'].includes(name))),
  3: (old) => {
    const { basis, unit } = oldMeasure(old.get('x'), old.get('h'), old.get('c'));
    const gone = ['x', 'h', 'c', 'n', 'p', 'b', 'u', 'd', 'z', 'y', 'r'];
    const fields = new Map([...old].filter(([name]) => !gone.includes(name)));
    if (basis !== undefined) fields.set('b', basis);
    if (unit !== undefined) fields.set('u', unit);
    return fields;
  },
};

/** The options that a link may carry: those of the run panel. */
export const LINK_OPTIONS = [
  'arms',
  'mode',
  'stages',
  'layers',
  'positions',
  'inject',
  'routing',
  'decode',
  'thorough',
] as const;

/** The fragment, with its `#`; empty where it would say nothing. */
export function writePermalink(link: Permalink): string {
  const fields: [string, string][] = [];
  const { view, model, options } = link;
  const { selection } = view;
  if (selection !== undefined) {
    fields.push(['s', selection.stage]);
    if (selection.layer !== undefined) fields.push(['l', String(selection.layer)]);
    if (selection.position !== undefined) fields.push(['t', String(selection.position)]);
  }
  if (view.basis !== undefined) fields.push(['b', view.basis]);
  if (view.unit !== undefined) fields.push(['u', view.unit]);
  if (view.tab !== undefined) fields.push(['d', view.tab]);
  if (view.expert !== undefined) fields.push(['e', String(view.expert)]);
  if (view.zoom !== undefined) fields.push(['z', `${view.zoom.from}-${view.zoom.to}`]);
  for (const name of LINK_OPTIONS) {
    const value = options[name];
    if (value !== undefined && value !== '') fields.push([`o-${name}`, value]);
  }
  if (link.prompt !== undefined) fields.push(['prompt', link.prompt]);
  else if (link.tokens !== undefined) fields.push(['tokens', link.tokens]);
  if (link.run !== undefined) fields.push(['r', link.run]);
  if (link.summary !== undefined) fields.push(['y', link.summary]);
  if (fields.length === 0 && model === undefined) return '';
  if (model !== undefined) fields.push(['m', model.hash.slice(0, LINK_HASH)], ['name', model.name.slice(0, 80)]);
  const text = `#v=${String(LINK_VERSION)}&${new URLSearchParams(fields).toString()}`;
  if (text.length <= SHARE_LIMITS.linkChars) return text;
  if (link.prompt !== undefined || link.tokens !== undefined) return writePermalink(without(link, 'prompt', 'tokens'));
  return link.summary === undefined ? '' : writePermalink(without(link, 'summary'));
}

export type LinkReading =
  | { readonly kind: 'link'; readonly link: Permalink; readonly upgradedFrom?: number }
  /** No link of ours: an anchor of the page, or nothing. */
  | { readonly kind: 'none' }
  /** A link that this version cannot read, and why. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** Reads a fragment. What it does not know in a link of a known version is left out; nothing in it can make the page fail. */
export function readPermalink(fragment: string): LinkReading {
  const text = fragment.replace(/^#/, '');
  if (!/(?:^|&)v=/.test(text)) return { kind: 'none' };
  if (text.length > SHARE_LIMITS.linkChars) {
    return {
      kind: 'unreadable',
      why: `it has ${String(text.length)} characters, and links end at ${String(SHARE_LIMITS.linkChars)}`,
    };
  }
  let fields: Fields = new Map(new URLSearchParams(text));
  const version = readIndex(fields.get('v'));
  if (version === undefined || version < 1) return { kind: 'unreadable', why: 'its version is no number' };
  if (version > LINK_VERSION) {
    return {
      kind: 'unreadable',
      why: `it is of version ${String(version)}, and this page reads up to ${String(LINK_VERSION)}`,
    };
  }
  for (let v = version; v < LINK_VERSION; v++) fields = UPGRADES[v]?.(fields) ?? fields;
  const link = linkOf(fields);
  return version === LINK_VERSION ? { kind: 'link', link } : { kind: 'link', link, upgradedFrom: version };
}

function linkOf(fields: Fields): Permalink {
  const stage = readStage(fields.get('s'));
  const options: Record<string, string> = {};
  for (const name of LINK_OPTIONS) {
    const value = fields.get(`o-${name}`);
    if (value !== undefined) options[name] = value.slice(0, 500);
  }
  const hash = fields.get('m');
  const prompt = fields.get('prompt');
  const tokens = fields.get('tokens');
  const summary = fields.get('y');
  const run = fields.get('r');
  return {
    view: {
      basis: readBasis(fields.get('b')),
      unit: readUnit(fields.get('u')),
      tab: readTab(fields.get('d')),
      expert: readIndex(fields.get('e')),
      zoom: readWindow(...windowOf(fields.get('z'))),
      selection:
        stage === undefined
          ? undefined
          : { stage, layer: readIndex(fields.get('l')), position: readIndex(fields.get('t')) },
    },
    options,
    ...(hash !== undefined && /^[0-9a-f]{6,64}$/.test(hash)
      ? { model: { hash, name: (fields.get('name') ?? '').slice(0, 80) } }
      : {}),
    ...(prompt === undefined ? {} : { prompt }),
    ...(tokens !== undefined && /^[\d, ]*$/.test(tokens) ? { tokens } : {}),
    ...(summary !== undefined && /^[\w-]+$/.test(summary) ? { summary } : {}),
    ...(run !== undefined && /^[\w-]{1,40}$/.test(run) ? { run } : {}),
  };
}

function windowOf(text = ''): readonly [string | undefined, string | undefined] {
  const [from, to] = text.split('-');
  return [from, to];
}
