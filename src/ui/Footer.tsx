import type { ReactElement } from 'react';
import { shortHash } from '../base/format';
import { TOOL } from '../base/version';
import type { AdapterCard } from '../divergence/report';
import { adapterCard } from '../store/state';
import { selectShown } from '../store/view';
import { useActions, useApp } from './use-app';

/** Where the numbers on the page come from. */
export function Footer(): ReactElement {
  const shown = useApp(selectShown);
  const opened = useApp((s) => s.opened);
  const here = useApp(adapterCard);
  const shortcuts = useApp((s) => s.shortcuts);
  const { setShortcuts } = useActions();
  const report = shown.kind === 'report' || shown.kind === 'recorded' ? shown.report : undefined;
  const model = report?.model ?? opened?.card;
  const adapter = report === undefined ? here : report.adapter;
  const browser = report?.browser;
  return (
    <footer>
      {model === undefined ? null : (
        <>
          <span>{model.quant}</span>
          <span title={model.headerSha256}>
            header <code>{shortHash(model.headerSha256)}</code>
          </span>
        </>
      )}
      {adapter === undefined ? null : <span>{adapterName(adapter)}</span>}
      {browser === undefined ? null : (
        <span>
          {browser.name} {browser.version}
        </span>
      )}
      <span>limits: error ≤ bound, cosine ≥ {report?.limits.cosine ?? 0.99}</span>
      <label className="end">
        <input
          type="checkbox"
          checked={shortcuts}
          onChange={(event) => {
            setShortcuts(event.currentTarget.checked);
          }}
        />
        single-letter keys
      </label>
      <span>
        MoEscope {report?.tool.version ?? TOOL.version}
        {report === undefined ? '' : `, ${report.created.slice(0, 10)}`}
      </span>
    </footer>
  );
}

/** `NVIDIA H200 (hardware)`, `SwiftShader (software)`: a software adapter is always named as such. */
export function adapterName(adapter: AdapterCard): string {
  const known = [adapter.description, adapter.device, `${adapter.vendor} ${adapter.architecture}`.trim()];
  const name = known.find((text) => text !== '') ?? 'unnamed adapter';
  return `${name} (${adapter.isSoftware ? 'software' : 'hardware'})`;
}
