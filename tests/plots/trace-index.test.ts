import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/divergence/report';
import { Log } from '../../src/plots/row-log';
import { rowIndex, routingIndex } from '../../src/plots/trace-index';
import { generateReport } from '../support/reports';

const report = generateReport({ kind: 'qtype-blind' });

describe('log', () => {
  it('keeps what was there, whatever becomes of the list that it was made of', () => {
    const first = report.rows.slice(0, 3);
    const log = new Log(first);
    const before = log.from(0);
    first.pop();
    log.append(report.rows.slice(3, 5));
    expect(before).toEqual(report.rows.slice(0, 3));
    expect(log.length).toBe(5);
    expect(log.from(3)).toEqual(report.rows.slice(3, 5));
  });
});

describe('row index', () => {
  it('finds what a walk over all rows finds', () => {
    const index = rowIndex(new Log(report.rows));
    for (const row of report.rows) expect(index.row(row.mode, row.stage, row.layer)).toBe(row);
    expect(index.rows('free', 'moe_router').map((r) => r.layer)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(index.failing).toBe(report.rows.find((r) => r.mode === 'isolated' && r.verdict === 'diverge'));
    expect(index.flipped).toEqual(report.rows.filter((r) => r.mode === 'free' && (r.flips?.length ?? 0) > 0));
    expect(index.row('free', 'moe_router', 99)).toBeUndefined();
  });

  it('takes in what is new of a growing log and looks at nothing twice', () => {
    let reads = 0;
    const rows = new Log<Row>();
    const grow = (part: readonly Row[]): void => {
      const watched = part.map(
        (row) =>
          new Proxy(row, {
            get: (target, key, receiver): unknown => {
              if (key === 'verdict') reads++;
              return Reflect.get(target, key, receiver);
            },
          }),
      );
      rows.append(watched);
      rowIndex(rows);
    };
    grow(report.rows.slice(0, 100));
    const first = reads;
    grow(report.rows.slice(100, 110));
    expect(reads - first).toBeLessThan(first / 5);
    expect(rowIndex(rows).rows('free', 'moe_router').length).toBeGreaterThan(1);
  });

  it('keeps layers ascending whatever the order they come in', () => {
    const rows = new Log([...report.rows].reverse());
    expect(
      rowIndex(rows)
        .rows('isolated', 'moe_ffn_out')
        .map((r) => r.layer),
    ).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('routing index', () => {
  it('gives a layer by ascending positions, and the closest choice of all', () => {
    const index = routingIndex(new Log([...report.routing].reverse()));
    expect(index.layer(3)).toEqual(report.routing.filter((r) => r.layer === 3));
    const smallest = Math.min(...report.routing.map((r) => r.margin ?? Infinity));
    expect(index.closest?.margin).toBe(smallest);
    expect([...index.layers].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
