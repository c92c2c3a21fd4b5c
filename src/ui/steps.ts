/** A piece of what the page draws after its beginning. */
export interface Step {
  /** What is inside comes before what stands below. */
  readonly depth: number;
  /** Of one depth, what was begun first stands above. */
  readonly order: number;
  run(): void;
}

const waiting: Step[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Runs a step when its turn comes, in a task of its own: input comes in between. Returns how to leave. */
export function inSteps(step: Step): () => void {
  waiting.push(step);
  timer ??= setTimeout(next, 0);
  return () => {
    const at = waiting.indexOf(step);
    if (at >= 0) waiting.splice(at, 1);
  };
}

/** Whether everything that was begun is on the page. */
export function isDrawn(): boolean {
  return waiting.length === 0;
}

function next(): void {
  timer = undefined;
  waiting.sort((x, y) => y.depth - x.depth || x.order - y.order);
  waiting.shift()?.run();
  if (waiting.length > 0) timer = setTimeout(next, 0);
}
