import { joined, say, type ShownText } from '../../base/foreign-text';
import { fail } from '../../base/errors';
import type { BenchReport } from '../../session/bench-report';
import { finite, list, optional, record, text, whole } from '../../trace/check';

/** A measured rate with the middle half of its runs. Tokens a second. */
interface Rate {
  readonly name: string;
  readonly perSecond: number;
  /** From the slower to the faster quartile of single runs. */
  readonly between: readonly [number, number];
}

/** What of a benchmark is compared, and what must be the same for that. */
export interface BenchRates {
  readonly of: Readonly<Record<string, string>>;
  readonly rates: readonly Rate[];
}

type Measured = Pick<BenchReport, 'model' | 'engine' | 'prefill'> & {
  readonly decode: Pick<BenchReport['decode'], 'tokens' | 'runs' | 'tokensPerSecond'>;
  readonly adapter?: Pick<NonNullable<BenchReport['adapter']>, 'vendor' | 'architecture' | 'device' | 'description'>;
};

/** The rates of a benchmark. */
export function ratesOf({ model, engine, adapter, prefill, decode }: Measured): BenchRates {
  const { vendor = 'none', architecture = '', device = '' } = adapter ?? {};
  return {
    of: {
      model: `${model.file}, ${model.bytes} bytes`,
      engine,
      adapter: [vendor, architecture, device].filter((word) => word !== '').join(' '),
      'prompt tokens': String(prefill.tokens),
      'new tokens': String(decode.tokens),
    },
    rates: [
      { name: 'prompt', perSecond: prefill.tokensPerSecond, between: quartiles(prefill.runs, prefill.tokens) },
      { name: 'decoding', perSecond: decode.tokensPerSecond, between: quartiles(decode.runs, 1) },
    ],
  };
}

/** Rates of single runs: those that a quarter of them are slower than, and faster than. @param runs milliseconds */
function quartiles(runs: readonly number[], tokens: number): readonly [number, number] {
  const rates = runs.map((ms) => (1000 * tokens) / ms).sort((x, y) => x - y);
  const at = (share: number): number => rates[Math.round(share * (rates.length - 1))] ?? NaN;
  return [at(0.25), at(0.75)];
}

const WORD = text(10_000);
const RUNS = list(finite(0, 1e12), 1_000_000);
/** What is read of a file, which may be of an earlier schema (`moescope-bench/1` and later have these members). */
const MEASURED = record({
  schema: WORD,
  model: record({ file: WORD, bytes: whole(2 ** 50) }),
  engine: WORD,
  adapter: optional(record({ vendor: WORD, architecture: WORD, device: WORD, description: WORD })),
  prefill: record({ tokens: whole(2 ** 31, 1), runs: RUNS, tokensPerSecond: finite(0, 1e12) }),
  decode: record({ tokens: whole(2 ** 31), runs: RUNS, tokensPerSecond: finite(0, 1e12) }),
});

/** The rates of a file that `bench --json` wrote. @throws TracerError `trace-format` */
export function ratesFromJson(json: string, name: string): BenchRates {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw noBench(name, 'it is not JSON', cause);
  }
  const schema: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'schema') : undefined;
  if (typeof schema !== 'string' || !/^moescope-bench\/\d+$/.test(schema)) throw noBench(name, 'it has no such schema');
  MEASURED(value, name);
  return ratesOf(measured(value));
}

/** {@link MEASURED} has told that it is. */
function measured(value: unknown): Measured {
  const isMeasured = (it: unknown): it is Measured => typeof it === 'object' && it !== null;
  if (!isMeasured(value)) throw new TypeError('checked before');
  return value;
}

function noBench(name: string, why: string, cause?: unknown): Error {
  return fail(
    'trace-format',
    `${name} is no benchmark: ${why}.`,
    'Give what moescope bench --json wrote.',
    { name },
    cause,
  );
}

interface Change {
  readonly name: string;
  readonly before: number;
  readonly now: number;
  readonly status: 'same' | 'faster' | 'slower' | 'within noise';
}

export interface RateComparison {
  readonly isSlower: boolean;
  readonly limit: number;
  readonly changes: readonly Change[];
}

/**
 * Holds rates to earlier ones. Slower is a rate that is lower by more than the limit, and whose middle half of runs does not reach the earlier one's: a machine that
 * was busy for a moment is no slower kernel.
 * @param limit percent. @throws TracerError `baseline-mismatch`: they measure different things
 */
export function compareRates(before: BenchRates, now: BenchRates, limit: number): RateComparison {
  for (const [name, expected] of Object.entries(before.of)) {
    const actual = now.of[name] ?? '';
    if (actual === expected) continue;
    throw fail(
      'baseline-mismatch',
      `The earlier benchmark is of another ${name}: ${expected}, and this one of ${actual}.`,
      'Compare benchmarks of the same model, engine, adapter and numbers of tokens.',
      { what: name, expected, actual },
    );
  }
  const changes = before.rates.map((old): Change => {
    const rate = now.rates.find(({ name }) => name === old.name) ?? { ...old, perSecond: NaN };
    return { name: old.name, before: old.perSecond, now: rate.perSecond, status: statusOf(old, rate, limit) };
  });
  return { isSlower: changes.some(({ status }) => status === 'slower'), limit, changes };
}

function statusOf(before: Rate, now: Rate, limit: number): Change['status'] {
  const ratio = now.perSecond / before.perSecond;
  // NaN: nothing was measured, which is not as fast.
  if (!(ratio >= 1 - limit / 100)) return now.between[1] >= before.between[0] ? 'within noise' : 'slower';
  return ratio > 1 + limit / 100 ? 'faster' : 'same';
}

/** `SLOWER than bench.json (limit 10 %): decoding 31.2 -> 24.0 tokens/s, -23 %`. */
export function comparisonText({ isSlower, limit, changes }: RateComparison, file: string): ShownText {
  const head = isSlower ? 'SLOWER than' : 'AS FAST as';
  const lines = changes.map(
    ({ name, before, now, status }) =>
      say`  ${name.padEnd(11)}${before.toFixed(2)} -> ${now.toFixed(2)} tokens/s, ${(100 * (now / before - 1)).toFixed(1)} %: ${status}\n`,
  );
  return joined([say`${head} ${file} (limit ${limit} %)\n`, ...lines]);
}
