/** Runs a task when the page has a moment to spare, after `latest` milliseconds all the same. */
export function whenIdle(task: () => void, latest: number): void {
  // Not every browser has it.
  if (typeof requestIdleCallback === 'undefined') setTimeout(task, 0);
  else requestIdleCallback(task, { timeout: latest });
}
