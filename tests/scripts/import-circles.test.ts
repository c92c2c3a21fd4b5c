import { expect, test } from 'vitest';
import { importCircles, importGraph, importsOf } from '../support/import-graph';

test('no file of src imports itself over others, not even for a type', () => {
  const graph = importGraph('src');
  expect(graph.size).toBeGreaterThan(400);
  expect(importCircles(graph)).toEqual([]);
});

test('type imports, re-exports and lazy imports count', () => {
  const text = [
    "import type { Capture } from '../model/engine';",
    "export type { Report } from './report';",
    "const later = () => import('./sentence');",
    "import { x, type Y } from 'elsewhere';",
  ].join('\n');
  expect(importsOf('src/divergence/limits.ts', text)).toEqual([
    'src/model/engine.ts',
    'src/divergence/report.ts',
    'src/divergence/sentence.ts',
  ]);
});

test('every circle is found, whatever leads into it and out of it', () => {
  const graph = new Map([
    ['main', ['a', 'lone']],
    ['a', ['b']],
    ['b', ['c', 'leaf']],
    ['c', ['a', 'x']],
    ['x', ['y']],
    ['y', ['x']],
    ['self', ['self']],
    ['lone', ['leaf']],
    ['leaf', []],
  ]);
  expect(new Set(importCircles(graph))).toEqual(new Set([['x', 'y'], ['a', 'b', 'c'], ['self']]));
});
