import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

/** What one golden model and prompt came to, where it ran. */
export interface GoldenLine {
  readonly runtime: 'node' | 'browser';
  readonly model: string;
  readonly arch: string;
  readonly prompt: string;
  readonly adapter: string;
  /** Tensors that were compared. */
  readonly tensors: number;
  /** Largest relative RMS error, of the reference and of the GPU engine, running free and isolated. */
  readonly exact: number;
  readonly gpu: number;
  readonly isolated: number;
  /** Largest isolated error / bound. */
  readonly ratio: number;
}

/** Of all runs; `write-figures.mjs` makes the table of `docs/verification.md` of it. */
const FILE = 'test-results/golden-figures.json';

/** Puts lines in place of those of the same runs before. */
export function keepLines(lines: readonly GoldenLine[]): void {
  const keyOf = ({ runtime, model, prompt }: GoldenLine): string => `${runtime} ${model} ${prompt}`;
  const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as GoldenLine[]) : [];
  const all = new Map([...before, ...lines].map((line) => [keyOf(line), line]));
  mkdirSync('test-results', { recursive: true });
  writeFileSync(FILE, `${JSON.stringify([...all.values()], undefined, 1)}\n`);
}
