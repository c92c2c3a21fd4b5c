import type { ReactElement } from 'react';
import { shortHash } from '../base/format';
import { TOOL } from '../base/version';
import { adapterName } from '../share/provenance';
import { adapterCard } from '../store/state';
import { selectShown } from '../store/view';
import { CommandButton } from './CommandButton';
import { useApp } from './use-app';

/** Where the numbers on the page come from. */
export function Footer(): ReactElement {
  const shown = useApp(selectShown);
  const opened = useApp((s) => s.opened);
  const here = useApp(adapterCard);
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
      <span className="end">
        <CommandButton id="theme" look="link" />
      </span>
      <CommandButton id="keys" look="link" withKey />
      <a
        className="link"
        href="?selftest"
        title="Every kernel on this GPU against its reference implementation, without a model"
      >
        Self-test
      </a>
      <span>
        MoEscope {report?.tool.version ?? TOOL.version}
        {report === undefined ? '' : `, ${report.created.slice(0, 10)}`}
      </span>
    </footer>
  );
}
