import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/divergence/report';
import { rowIndex, routingIndex } from '../../src/plots/trace-index';
import { generateReport } from '../support/reports';

const report = generateReport({ kind: 'qtype-blind' });

describe('row index', () => {
  it('finds what a walk over all rows finds', () => {
    const index = rowIndex(report.rows);
    for (const row of report.rows) expect(index.row(row.mode, row.stage, row.layer)).toBe(row);
    expect(index.rows('free', 'moe_router').map((r) => r.layer)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(index.failing).toBe(report.rows.find((r) => r.mode === 'isolated' && r.verdict === 'diverge'));
    expect(index.flipped).toEqual(report.rows.filter((r) => r.mode === 'free' && (r.flips?.length ?? 0) > 0));
    expect(index.row('free', 'moe_router', 99)).toBeUndefined();
  });

  it('takes in what is new of a growing array and looks at nothing twice', () => {
    let reads = 0;
    const rows: Row[] = [];
    const grow = (part: readonly Row[]): void => {
      for (const row of part) {
        rows.push(
          new Proxy(row, {
            get: (target, key, receiver): unknown => {
              if (key === 'verdict') reads++;
              return Reflect.get(target, key, receiver);
            },
          }),
        );
      }
      rowIndex(rows);
    };
    grow(report.rows.slice(0, 100));
    const first = reads;
    grow(report.rows.slice(100, 110));
    expect(reads - first).toBeLessThan(first / 5);
    expect(rowIndex(rows).rows('free', 'moe_router').length).toBeGreaterThan(1);
  });

  it('keeps layers ascending whatever the order they come in', () => {
    const rows = [...report.rows].reverse();
    expect(
      rowIndex(rows)
        .rows('isolated', 'moe_ffn_out')
        .map((r) => r.layer),
    ).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('routing index', () => {
  it('gives a layer by ascending positions, and the closest choice of all', () => {
    const index = routingIndex([...report.routing].reverse());
    expect(index.layer(3)).toEqual(report.routing.filter((r) => r.layer === 3));
    const smallest = Math.min(...report.routing.map((r) => r.margin ?? Infinity));
    expect(index.closest?.margin).toBe(smallest);
    expect([...index.layers].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
