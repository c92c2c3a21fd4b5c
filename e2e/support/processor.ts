/** Additions that each wait for the one before: 4 cycles each on the x86 cores of these years, whatever caches and compilers do. */
const ADDITIONS = 5e7;
/** Milliseconds of that chain at the 3 GHz that limits of computing time are set for. */
const NOMINAL_MS = (4 * ADDITIONS) / 3e6;
/** A machine that is slower than this tells nothing of the page: its limits grow no further. */
const MOST = 6;

/** How many times longer this processor takes now than one of 3 GHz; at least 1. Shared machines are clocked down, or lent out, for minutes. */
function slowness(): number {
  const before = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < ADDITIONS; i++) sum += i;
  const { user, system } = process.cpuUsage(before);
  if (sum < ADDITIONS) throw new Error('the chain was not computed');
  return Math.min(MOST, Math.max(1, (user + system) / 1000 / NOMINAL_MS));
}

/** What `measure` comes to, and how slow the processor was meanwhile: a time that a limit holds for is divided by it. */
export async function measuredBeside<T>(
  measure: () => Promise<T>,
): Promise<{ readonly seen: T; readonly slowness: number }> {
  const before = slowness();
  const seen = await measure();
  return { seen, slowness: (before + slowness()) / 2 };
}
