import type { ErrorData } from '../base/errors';
import { DEFAULT_MODE } from '../divergence/run-mode';
import type { AdapterCard, Report, RunMode } from '../divergence/report';
import type { RoutingLog, RowLog } from '../plots/row-log';
import type { Place } from '../plots/select-walk';
import { FIRST_VIEW, type ViewState } from '../share/view-state';
import type { RunEngineId } from '../model/engines';
import type { Progress, Routing, RunSpec } from '../session/events';
import type { Inspection as FileInspection } from '../session/inspect-model';
import type { OpenedModel } from '../worker/opened-model';
import { FIRST_SHELL, type ShellState } from './shell-state';
import type { Continuation } from './inspection';
import type { Inspection, Traced } from './inspection';
import type { RunCostSeen } from './run-cost';
import type { StoryId } from './stories';

export type { FileInspection };
export type { MemoryNeed, OpenedModel, Preflight } from '../worker/opened-model';

/** What `document.documentElement.dataset.state` says. */
export const PHASES = ['idle', 'loading', 'ready', 'running', 'done', 'cancelled', 'error'] as const;
export type Phase = (typeof PHASES)[number];

/** The prompt in both of its forms; whichever was edited last counts, the other follows it. */
export interface PromptState {
  readonly text: string;
  readonly idsText: string;
  readonly source: 'text' | 'ids';
  readonly chat: boolean;
  readonly ids: readonly number[];
  /** One an id; shorter while the texts are on their way. */
  readonly texts: readonly string[];
  /** The forms do not agree yet. */
  readonly pending: boolean;
  readonly error: ErrorData | undefined;
}

/** Run options as typed. */
export interface RunOptions {
  readonly engines: readonly RunEngineId[];
  readonly mode: RunMode;
  readonly routing: Routing;
  /** Faults on purpose, as `parseFault` reads them. */
  readonly inject: readonly string[];
  readonly stages: string;
  readonly layers: string;
  readonly positions: string;
  /** Tokens behind the prompt to judge as well, as typed; nothing for none. */
  readonly decode: string;
  /** Whether every other way of running the engine is tried as well. */
  readonly thorough: boolean;
}

/** A run as far as it has come. */
export interface LiveTrace {
  readonly spec: RunSpec;
  readonly model: OpenedModel['card'];
  readonly tokenTexts: readonly string[];
  readonly adapter: AdapterCard | undefined;
  /** The run's own: every step of it makes a new `LiveTrace` around them. */
  readonly rows: RowLog;
  readonly routing: RoutingLog;
  readonly layersDone: number;
}

export interface AppState extends ViewState {
  readonly phase: Phase;
  /** What is being opened, for the headline. */
  readonly loadingName: string | undefined;
  /** The recorded story that is on the page before anything runs. */
  readonly story: StoryId;
  readonly recorded: Report | undefined;
  /** What runs of models cost here, by the header's hash, the last of each: for estimates. */
  readonly costs: ReadonlyMap<string, RunCostSeen>;
  /** The finished run. */
  readonly report: Report | undefined;
  readonly live: LiveTrace | undefined;
  readonly opened: OpenedModel | undefined;
  /** The file that was to be opened and does not run, while the page says why. */
  readonly looked: FileInspection | undefined;
  readonly adapter: AdapterCard | ErrorData | undefined;
  readonly error: ErrorData | undefined;
  readonly prompt: PromptState;
  readonly options: RunOptions;
  readonly progress: Progress | undefined;
  /** Cancel was asked for and the run has not ended yet. */
  readonly cancelling: boolean;
  /** What lies under the pointer: the inspector follows it, and nothing keeps it. */
  readonly hover: Place | undefined;
  /** The finished run that the engine still holds tensors, keys and values of. */
  readonly traced: Traced | undefined;
  readonly inspection: Inspection | undefined;
  readonly continuation: Continuation | undefined;
  /** For the live region. */
  readonly announcement: string;
  /** Single-letter keys on or off (WCAG 2.1.4). */
  readonly shortcuts: boolean;
  readonly theme: 'auto' | 'light' | 'dark';
  readonly shell: ShellState;
}

export const FIRST_STATE: AppState = {
  phase: 'idle',
  loadingName: undefined,
  story: 'qtype',
  recorded: undefined,
  costs: new Map(),
  report: undefined,
  live: undefined,
  opened: undefined,
  looked: undefined,
  adapter: undefined,
  error: undefined,
  prompt: { text: '', idsText: '', source: 'text', chat: false, ids: [], texts: [], pending: false, error: undefined },
  options: {
    engines: ['gpu', 'cpu'],
    mode: DEFAULT_MODE,
    routing: 'own',
    inject: [],
    stages: 'all',
    layers: 'all',
    positions: 'all',
    decode: '',
    thorough: false,
  },
  progress: undefined,
  cancelling: false,
  ...FIRST_VIEW,
  hover: undefined,
  traced: undefined,
  inspection: undefined,
  continuation: undefined,
  announcement: '',
  shortcuts: true,
  theme: 'auto',
  shell: FIRST_SHELL,
};

/** The adapter, where there is one. */
export function adapterCard(state: AppState): AdapterCard | undefined {
  return state.adapter !== undefined && !('code' in state.adapter) ? state.adapter : undefined;
}

/** Why there is no adapter, where there is none. */
export function adapterError(state: AppState): ErrorData | undefined {
  return state.adapter !== undefined && 'code' in state.adapter ? state.adapter : undefined;
}
