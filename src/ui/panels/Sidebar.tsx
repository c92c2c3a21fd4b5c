import type { ReactElement } from 'react';
import { formatBytes, formatMilliseconds } from '../../base/format';
import type { ModelCard, Report } from '../../divergence/report';
import { selectShown } from '../../store/view';
import { Later } from '../Later';
import { Pairs } from '../Pairs';
import { useApp } from '../use-app';
import { ArmsPanel } from './ArmsPanel';
import { KeptModels } from './KeptModels';
import { PromptPanel } from './PromptPanel';

/** Model, prompt, arms and cost, beside the trace. */
export function Sidebar(): ReactElement {
  const shown = useApp(selectShown);
  const opened = useApp((s) => s.opened);
  const report = shown.kind === 'report' || shown.kind === 'recorded' ? shown.report : undefined;
  const foreign = useApp((s) => s.shell.origin !== undefined);
  const card = foreign ? report?.model : (opened?.card ?? report?.model);
  return (
    <aside aria-label="Model and run">
      <Later>
        {card === undefined || shown.kind === 'none' ? null : (
          <ModelPanel card={card} bytesRead={report?.memory.bytesRead} />
        )}
        <PromptPanel />
        <>
          <ArmsPanel />
          <KeptModels />
          {report === undefined || report.timing.phases.length === 0 ? null : <CostPanel report={report} />}
        </>
      </Later>
    </aside>
  );
}

function ModelPanel(props: { readonly card: ModelCard; readonly bytesRead: number | undefined }): ReactElement {
  const { card, bytesRead } = props;
  const { hparams } = card;
  const types = Object.entries(card.tensors.byType)
    .sort(([, x], [, y]) => y.bytes - x.bytes)
    .map(([type, { count }]) => `${type}\u00a0${String(count)}`);
  return (
    <section>
      <h2>Model</h2>
      <Pairs
        items={[
          ['Architecture', told(card.arch)],
          ['Layers', hparams.nLayer],
          ['Experts', `${String(hparams.nExpert)}, top ${String(hparams.nExpertUsed)}`],
          ['Embedding', told(hparams.nEmbd)],
          ['Types', told(types.join(', '))],
          ['File', card.bytes === 0 ? undefined : formatBytes(card.bytes)],
          ['Read', bytesRead === undefined || bytesRead === 0 ? undefined : formatBytes(bytesRead)],
        ]}
      />
    </section>
  );
}

/** What a trace of others does not tell is left out. */
function told<T extends string | number>(value: T): T | undefined {
  return value === '' || value === 0 ? undefined : value;
}

function CostPanel({ report }: { readonly report: Report }): ReactElement {
  const total = (side: 'gpuMs' | 'cpuMs'): number => report.timing.perLayer.reduce((ms, l) => ms + l[side], 0);
  const time = (ms: number): string | undefined => (ms > 0 ? formatMilliseconds(ms) : undefined);
  return (
    <section>
      <h2>Cost</h2>
      <Pairs
        items={[
          ['GPU', time(total('gpuMs'))],
          ['Reference', time(total('cpuMs'))],
          ['In all', time(report.timing.phases.reduce((ms, phase) => ms + phase.ms, 0))],
          ['GPU memory', report.memory.gpuPeakBytes > 0 ? formatBytes(report.memory.gpuPeakBytes) : undefined],
          ['Trace', report.memory.traceBytes > 0 ? formatBytes(report.memory.traceBytes) : undefined],
          ['Experts read', report.memory.expertsRead > 0 ? report.memory.expertsRead : undefined],
        ]}
      />
    </section>
  );
}
