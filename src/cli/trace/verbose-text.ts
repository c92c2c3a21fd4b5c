import { joined, say, type ShownText } from '../../base/foreign-text';
import { formatBytes, formatMilliseconds } from '../../base/format';
import type { Coverage, Report } from '../../divergence/report';
import { pathTitle, RUN_PATHS } from '../../model/run-paths';

/** Layers that are told: those that took longest. */
const MOST_LAYERS = 5;

/** Where a run's time and memory went, for `--verbose`. */
export function verboseText({ timing, memory, adapter, coverage }: Report): ShownText {
  const slowest = [...timing.perLayer].sort((x, y) => y.gpuMs + y.cpuMs - x.gpuMs - x.cpuMs).slice(0, MOST_LAYERS);
  return joined([
    ...timing.phases.map(
      ({ name, ms, bytes }) => say`  phase ${name}: ${formatMilliseconds(ms)}, ${formatBytes(bytes)} read\n`,
    ),
    ...slowest.map(
      ({ layer, gpuMs, cpuMs, readBytes }) =>
        say`  layer ${layer}: candidate ${formatMilliseconds(gpuMs)}, reference ${formatMilliseconds(cpuMs)}, ${formatBytes(readBytes)} read\n`,
    ),
    say`  memory: ${formatBytes(memory.gpuPeakBytes)} on the GPU at most, ${formatBytes(memory.gpuWeightBytes)} of it weights; traces ${formatBytes(memory.traceBytes)}; ${memory.expertsRead} experts read\n`,
    ...(coverage === undefined ? [] : [coverageText(coverage)]),
    ...(adapter === undefined ? [] : [say`  features: ${adapter.features.join(', ') || 'none'}\n`]),
  ]);
}

/** A verdict is of what ran. */
export function coverageText({ kernels, notRun, paths = [] }: Coverage): ShownText {
  const names = new Set(kernels.map(({ kernel }) => kernel)).size;
  const variants = new Set(kernels.map(({ kernel, variant }) => `${kernel} ${variant}`)).size;
  const rest = notRun.length === 0 ? 'none' : notRun.join(', ');
  const tried = paths.filter(({ ran }) => ran).map(({ path }) => pathTitle(path));
  const left = RUN_PATHS.filter(({ id }) => !paths.some(({ path, ran }) => ran && path === id)).map(({ id, title }) => {
    const why = paths.find(({ path }) => path === id)?.why;
    return why === undefined ? title : `${title} (${why})`;
  });
  return joined([
    say`  kernels: ${variants} variants of ${names} kernels ran; not run: ${rest}\n`,
    ...(paths.length === 0
      ? []
      : [say`  ways of running: ${tried.join(', ')}; not tried: ${left.length === 0 ? 'none' : left.join(', ')}\n`]),
  ]);
}
