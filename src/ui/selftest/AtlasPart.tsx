import { useState, type ReactElement } from 'react';
import { atlasEntry, atlasText, SIGN_OFF } from '../../selftest/atlas/entry';
import type { SelftestReport } from '../../selftest/selftest-report';

/** What an entry of the atlas would hold, to be read before it is saved. */
export function AtlasPart(props: {
  readonly report: SelftestReport;
  readonly save: (name: string, text: string) => void;
}): ReactElement {
  const [signedOff, setSignedOff] = useState(false);
  const text = atlasText(atlasEntry(props.report));
  return (
    <details className="atlas">
      <summary>An entry for the atlas of adapters</summary>
      <p>
        <code>moescope atlas</code> lays self-tests of many GPUs, drivers and browsers side by side. An entry holds
        this, and nothing else; nothing is sent.
      </p>
      <pre data-testid="atlas-entry" tabIndex={0}>
        {text}
      </pre>
      <p className="actions">
        <label className="check">
          <input
            type="checkbox"
            checked={signedOff}
            onChange={(event) => {
              setSignedOff(event.currentTarget.checked);
            }}
          />
          {SIGN_OFF}
        </label>
        <button
          type="button"
          className="button quiet"
          disabled={!signedOff}
          onClick={() => {
            props.save('moescope-atlas-entry.json', text);
          }}
        >
          Save the entry
        </button>
      </p>
    </details>
  );
}
