import type { Row } from '../../divergence/report';
import type { HParams } from '../../model/hparams';
import { modelExplorerGraph, modelExplorerNodeData, type StageValue } from '../../trace/model-explorer';
import { writeOutput } from '../files/output';
import type { Terminal } from '../terminal/terminal';

/**
 * Writes comparisons for Model Explorer: the node data, and beside it (`<name>-graph.json`) the graph that they colour. Values are error /
 * bound of local or isolated rows, or relative L2 where there are none; of chosen experts, 1 - Jaccard.
 */
export async function writeModelExplorer(
  file: string,
  rows: readonly Row[],
  layers: readonly number[],
  hparams: HParams | undefined,
  terminal: Terminal,
): Promise<void> {
  await writeOutput(file, `${modelExplorerNodeData(stageValues(rows))}\n`, terminal);
  if (file !== '-')
    await writeOutput(
      graphName(file),
      `${modelExplorerGraph(layers, new Set(rows.map(({ stage }) => stage)), hparams)}\n`,
      terminal,
    );
}

function graphName(file: string): string {
  return `${file.replace(/\.json$/, '')}-graph.json`;
}

function stageValues(rows: readonly Row[]): readonly StageValue[] {
  const measured = rows.filter((row) => row.count > 0);
  // Beside local rows, only what these blame was isolated.
  const mode = (['local', 'isolated'] as const).find((id) => measured.some((row) => row.mode === id)) ?? 'free';
  return measured
    .filter((row) => row.mode === mode)
    .map((row) => ({
      layer: row.layer,
      stage: row.stage,
      value: row.jaccard === undefined ? (row.maxRatio ?? row.relL2 ?? NaN) : 1 - row.jaccard,
      isBad: row.verdict !== 'match',
    }));
}
