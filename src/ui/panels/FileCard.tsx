import type { ReactElement } from 'react';
import { formatBytes, formatCount } from '../../base/format';
import type { ModelCard } from '../../divergence/report';
import { expertsText } from '../../model/hparams';
import { typesText } from '../../session/weight-table';
import type { MemoryNeed, OpenedModel, Preflight } from '../../store/state';
import { Pairs } from '../Pairs';
import { ScrollTable } from '../ScrollTable';
import { useApp } from '../use-app';
import { ScanPanel } from './ScanPanel';

/** The opened file before anything runs: what it is, what it is made of, what a run will cost. */
export function FileCard(): ReactElement | null {
  const opened = useApp((s) => s.opened);
  if (opened === undefined) return null;
  const { card, preflight, weights } = opened;
  const { hparams } = card;
  return (
    <div className="card">
      <section>
        <h2>{card.file}</h2>
        <Pairs
          items={[
            ['Architecture', card.arch],
            ['Layers', hparams.nLayer],
            ['Experts', expertsText(hparams)],
            ['Expert width', hparams.nExpert === 0 ? undefined : formatCount(hparams.nFfExp)],
            ['Embedding', formatCount(hparams.nEmbd)],
            ['Heads', `${String(hparams.nHead)} of ${String(hparams.headDim)}, ${String(hparams.nHeadKv)} key-value`],
            ['Vocabulary', formatCount(hparams.nVocab)],
            ['Head', hparams.tiedEmbeddings ? 'tied to the embedding' : 'its own tensor'],
            ['Quantisation', card.quant],
            ['File', formatBytes(card.bytes)],
          ]}
        />
        {card.notes?.map((note) => (
          <p key={note} className="note">
            {note}
          </p>
        ))}
      </section>
      <div>
        <TypeTable tensors={card.tensors} />
        <CostTable preflight={preflight} />
      </div>
      <ScanPanel />
      <WeightTable weights={weights} />
    </div>
  );
}

/** Tensors by type, with their shares of the file. */
export function TypeTable({ tensors }: Pick<ModelCard, 'tensors'>): ReactElement {
  const types = Object.entries(tensors.byType).sort(([, x], [, y]) => y.bytes - x.bytes);
  const total = types.reduce((bytes, [, type]) => bytes + type.bytes, 0);
  return (
    <section>
      <h2>{formatCount(tensors.count)} tensors, by type</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Type</th>
            <th scope="col">Tensors</th>
            <th scope="col">Bytes</th>
            <th scope="col" className="share">
              <span className="visually-hidden">Share</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {types.map(([type, { count, bytes }]) => (
            <tr key={type}>
              <th scope="row">{type}</th>
              <td>{formatCount(count)}</td>
              <td>{formatBytes(bytes)}</td>
              <td className="share" aria-label={`${String(Math.round((100 * bytes) / total))} %`}>
                <i style={{ width: `${String((100 * bytes) / total)}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Every tensor with its type; the types of one kind of tensor may change between layers. */
export function WeightTable({ weights }: { readonly weights: OpenedModel['weights'] }): ReactElement {
  return (
    <section className="weights">
      <h2>Every tensor</h2>
      <ScrollTable
        label="Every tensor"
        columns={[['Tensor'], ['Shape'], ['Tensors'], ['Bytes'], ['Type, by layer', 'word']]}
      >
        {weights.map((line) => (
          <tr key={`${line.name} ${line.dims.join('x')}`}>
            <th scope="row">
              <code>{line.name}</code>
            </th>
            <td>{line.dims.map(formatCount).join(' × ')}</td>
            <td>{formatCount(line.count)}</td>
            <td>{formatBytes(line.bytes)}</td>
            <td className="word">{typesText(line)}</td>
          </tr>
        ))}
      </ScrollTable>
    </section>
  );
}

function CostTable({ preflight }: { readonly preflight: Preflight }): ReactElement {
  const { gpu, cpu, largestBinding: largest } = preflight;
  return (
    <section>
      <h2>What a run will cost</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Memory</th>
            <th scope="col">Wants</th>
            <th scope="col">Needs</th>
            <th scope="col">Allowed</th>
          </tr>
        </thead>
        <tbody>
          {gpu === undefined ? null : <NeedRow name="GPU" need={gpu} />}
          <NeedRow name="Reference" need={cpu} />
          {largest === undefined ? null : (
            <tr>
              <th scope="row">Largest binding</th>
              <td title={largest.tensor}>{formatBytes(largest.bytes)}</td>
              <td>{formatBytes(largest.bytes)}</td>
              <td className={largest.bytes > largest.allowedBytes ? 'bad' : undefined}>
                {formatBytes(largest.allowedBytes)}
              </td>
            </tr>
          )}
        </tbody>
      </table>
      <p className="note">
        {formatBytes(preflight.headerBytes)} of header read so far. A run reads at most{' '}
        {formatBytes(preflight.readBytes)}, less where tokens share experts. {verdictOf(preflight)}
      </p>
    </section>
  );
}

function NeedRow(props: { readonly name: string; readonly need: MemoryNeed }): ReactElement {
  const { wantBytes, needBytes, allowedBytes } = props.need;
  const over = allowedBytes !== undefined && needBytes > allowedBytes;
  return (
    <tr>
      <th scope="row">{props.name}</th>
      <td>{formatBytes(wantBytes)}</td>
      <td className={over ? 'bad' : undefined}>{formatBytes(needBytes)}</td>
      <td>{allowedBytes === undefined ? '–' : formatBytes(allowedBytes)}</td>
    </tr>
  );
}

function verdictOf({ gpu }: Preflight): string {
  if (gpu === undefined) return 'There is no GPU here: the reference runs alone.';
  if (gpu.allowedBytes === undefined) return '';
  if (gpu.needBytes > gpu.allowedBytes) return 'This adapter does not allow enough memory for one layer.';
  if (gpu.wantBytes > gpu.allowedBytes)
    return 'Not all weights fit at once: experts are read again when they are needed.';
  return 'All weights fit: a second prompt reads nothing.';
}
