import type { ReactElement } from 'react';
import { adapterCard, adapterError } from '../../store/state';
import { ErrorDetail } from '../ErrorNotice';
import { adapterName } from '../../share/provenance';
import { Pairs } from '../Pairs';
import { useApp } from '../use-app';

/** The two sides as this browser can run them. */
export function ArmsPanel(): ReactElement {
  const card = useApp(adapterCard);
  const error = useApp(adapterError);
  return (
    <section>
      <h2>Arms here</h2>
      <Pairs
        items={[
          ['GPU', card === undefined ? (error === undefined ? 'looking…' : 'none') : adapterName(card)],
          ['Reference', 'CPU, float64'],
        ]}
      />
      {card?.isSoftware === true ? (
        <p className="note">A software adapter: results count, times do not.</p>
      ) : error === undefined ? null : (
        <div className="note" data-testid="no-webgpu">
          <p>{error.message}</p>
          <ErrorDetail error={error} />
          <p>{error.remedy} The reference alone can run, and traces can be read.</p>
          <code data-testid="notice-code">{error.code}</code>
        </div>
      )}
    </section>
  );
}
