import { formatMetric } from '../base/format';
import type { Report, Row } from '../divergence/report';
import { SHOWN_STAGES, stageSpec } from '../model/stages';
import { Log } from '../plots/row-log';
import { rowIndex } from '../plots/trace-index';
import { provenance, type Fact } from './provenance';
import { promptSha256 } from './redact';

/** Something that both reports say, or one. */
export interface PairedFact {
  readonly name: string;
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly code: boolean;
}

/** One stage over all layers, in both. */
export interface PairedStage {
  readonly title: string;
  readonly headline: boolean;
  /** Free-running relative L2, the worst layer; `–` where it was not measured. */
  readonly relL2: readonly [string, string];
  /** Isolated error / bound, the worst layer. */
  readonly ratio: readonly [string, string];
  /** Layers whose tensors of the candidate are the same to the bit, of those that both have. */
  readonly bits: { readonly equal: number; readonly of: number } | undefined;
}

export interface SideBySide {
  readonly facts: readonly PairedFact[];
  readonly stages: readonly PairedStage[];
  /** Over all stages and layers; undefined where a report has no fingerprints. */
  readonly bits: { readonly equal: number; readonly of: number } | undefined;
  /** The same model and the same prompt: numbers can be held against each other one by one. */
  readonly alike: boolean;
}

/** Two reports of runs, held against each other: what they are of, what differs, and by how much. */
export async function sideBySide(a: Report, b: Report): Promise<SideBySide> {
  const prompts = await Promise.all([a, b].map(promptSha256));
  const [ofA, ofB] = [rowIndex(new Log(a.rows)), rowIndex(new Log(b.rows))];
  const stages = SHOWN_STAGES.flatMap((stage): PairedStage[] => {
    const free = [ofA.rows('free', stage), ofB.rows('free', stage)] as const;
    const isolated = [ofA.rows('isolated', stage), ofB.rows('isolated', stage)] as const;
    if ([...free, ...isolated].every((rows) => rows.length === 0)) return [];
    const worst = (rows: readonly Row[], value: (row: Row) => number | undefined): string =>
      formatMetric(worstOf(rows.flatMap((row) => value(row) ?? [])));
    const { title, headline } = stageSpec(stage);
    const relL2 = (row: Row): number | undefined => row.relL2;
    const ratio = (row: Row): number | undefined => row.maxRatio;
    return [
      {
        title,
        headline,
        relL2: [worst(free[0], relL2), worst(free[1], relL2)],
        ratio: [worst(isolated[0], ratio), worst(isolated[1], ratio)],
        bits: sameBits(...free),
      },
    ];
  });
  const counted = stages.flatMap(({ bits }) => bits ?? []);
  const sum = (key: 'equal' | 'of'): number => counted.reduce((n, bits) => n + bits[key], 0);
  const alike =
    a.model.headerSha256 !== '' && a.model.headerSha256 === b.model.headerSha256 && prompts[0] === prompts[1];
  return {
    facts: pairedFacts(provenance(a), provenance(b)),
    stages,
    bits: !alike || counted.length === 0 ? undefined : { equal: sum('equal'), of: sum('of') },
    alike,
  };
}

function pairedFacts(a: readonly Fact[], b: readonly Fact[]): readonly PairedFact[] {
  const names = [...new Set([...a, ...b].map(({ name }) => name))];
  return names.map((name) => {
    const [x, y] = [a.find((fact) => fact.name === name), b.find((fact) => fact.name === name)];
    return {
      name,
      a: x?.value ?? '–',
      b: y?.value ?? '–',
      same: x?.value === y?.value,
      code: (x ?? y)?.code === true,
    };
  });
}

function sameBits(a: readonly Row[], b: readonly Row[]): PairedStage['bits'] {
  const both = a.flatMap((row) => {
    const other = b.find((r) => r.layer === row.layer);
    return row.bitsA === undefined || other?.bitsA === undefined ? [] : [row.bitsA === other.bitsA];
  });
  return both.length === 0 ? undefined : { equal: both.filter(Boolean).length, of: both.length };
}

function worstOf(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((x, y) => (Number.isNaN(x) || Number.isNaN(y) ? NaN : Math.max(x, y)));
}
