/** What a page's main thread did during a trace. All times in milliseconds. */
export interface MainThread {
  /** The longest task, as the time that the thread computed. */
  readonly longest: number;
  /** The longest task by the clock. */
  readonly longestWall: number;
  /** Tasks that computed for more than 50 ms. */
  readonly tasks: number;
  /** Key presses and clicks: from the event to the next paint, by the clock. */
  readonly events: readonly number[];
  /** The computing times of the longest tasks, and what they spent it on. */
  readonly heaviest: readonly string[];
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string; readonly data?: { readonly duration?: number; readonly type?: string } };
}

/** Reads a trace as `browser.startTracing` writes it, of a browser with one page. */
export function mainThread(json: string): MainThread {
  const { traceEvents, onMain } = readTrace(json);
  const tasks = tasksOf(onMain);
  const computing = tasks.map(computed);
  const events = traceEvents.flatMap((e) => {
    const data = e.name === 'EventTiming' && e.ph === 'b' ? e.args?.data : undefined;
    const felt = data?.type === 'keydown' || data?.type === 'click' || data?.type === 'pointerdown';
    return felt && data?.duration !== undefined ? [data.duration] : [];
  });
  const heavy = [...tasks].sort((x, y) => (y.tdur ?? 0) - (x.tdur ?? 0)).slice(0, 3);
  return {
    longest: Math.max(0, ...computing),
    longestWall: Math.max(0, ...tasks.map((e) => (e.dur ?? 0) / 1000)),
    tasks: computing.filter((ms) => ms > 50).length,
    events,
    heaviest: heavy.map((task) => spentOn(task, onMain)),
  };
}

/** What the main thread computed until the last task of `felt` milliseconds and more had ended, and how many of those there were. */
export function computedUntilRest(json: string, felt: number): { readonly ms: number; readonly tasks: number } {
  const tasks = [...tasksOf(readTrace(json).onMain)].sort((x, y) => x.ts - y.ts);
  const last = tasks.findLastIndex((task) => computed(task) >= felt);
  const until = tasks.slice(0, last + 1);
  return {
    ms: until.reduce((sum, task) => sum + computed(task), 0),
    tasks: until.filter((task) => computed(task) >= felt).length,
  };
}

/** The events of the main thread of the page: the browser draws its own bars in a renderer beside it, whose name is longer. */
function readTrace(json: string): { readonly traceEvents: readonly TraceEvent[]; readonly onMain: TraceEvent[] } {
  const { traceEvents } = JSON.parse(json) as { readonly traceEvents: readonly TraceEvent[] };
  const named = (kind: string, name: string): readonly TraceEvent[] =>
    traceEvents.filter((e) => e.ph === 'M' && e.name === kind && e.args?.name === name);
  const pages = new Set(named('process_name', 'Renderer').map(({ pid }) => pid));
  const mains = new Set(
    named('thread_name', 'CrRendererMain').flatMap(({ pid, tid }) =>
      pages.has(pid) ? [`${String(pid)}/${String(tid)}`] : [],
    ),
  );
  return { traceEvents, onMain: traceEvents.filter((e) => mains.has(`${String(e.pid)}/${String(e.tid)}`)) };
}

function tasksOf(onMain: readonly TraceEvent[]): readonly TraceEvent[] {
  return onMain.filter((e) => e.ph === 'X' && /RunTask$/.test(e.name) && e.dur !== undefined);
}

function computed(task: TraceEvent): number {
  return (task.tdur ?? task.dur ?? 0) / 1000;
}

function spentOn(task: TraceEvent, onMain: readonly TraceEvent[]): string {
  const end = task.ts + (task.dur ?? 0);
  const inside = onMain.filter((e) => e !== task && e.ph === 'X' && e.ts >= task.ts && e.ts + (e.dur ?? 0) <= end);
  const sums = new Map<string, number>();
  for (const e of inside) sums.set(e.name, (sums.get(e.name) ?? 0) + (e.tdur ?? e.dur ?? 0) / 1000);
  const top = [...sums].sort(([, x], [, y]) => y - x).slice(0, 6);
  return `${((task.tdur ?? 0) / 1000).toFixed(1)} ms: ${top.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ')}`;
}
