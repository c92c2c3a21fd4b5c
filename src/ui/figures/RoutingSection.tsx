import { useDeferredValue, useState, type ReactElement } from 'react';
import { stageSpec } from '../../model/stages';
import { routingLayer } from '../../plots/select-routing';
import { routingIndex } from '../../plots/trace-index';
import type { TraceView } from '../../plots/trace-view';
import { useActions, useApp, useFollowedPlace } from '../use-app';
import { LoadFigure } from './LoadFigure';
import { PartsFigure } from './PartsFigure';
import { PathFigure } from './PathFigure';
import { RoutingFigure } from './RoutingFigure';
import { TokenStrip } from './TokenStrip';

/** Which experts each token met: how they are used, what the parts of the prompt prefer, one layer's choices, one token's way. */
export function RoutingSection({ view }: { readonly view: TraceView }): ReactElement | null {
  const selection = useDeferredValue(useApp((s) => s.selection));
  const place = useFollowedPlace();
  const { select } = useActions();
  const [expert, setExpert] = useState<number | undefined>(undefined);
  const layer = selection?.layer ?? routingLayer(view);
  if (layer === undefined || view.routing.length === 0) return null;
  const rows = routingIndex(view.routing).layer(layer);
  const position = rows.some((row) => row.position === place?.position) ? place?.position : rows[0]?.position;
  const look: Look = (at) => {
    if (at.expert !== undefined) setExpert(at.expert < 0 ? undefined : at.expert);
    if (at.layer === undefined && !('position' in at)) return;
    const stage = place?.stage !== undefined && stageSpec(place.stage).scope === 'layer' ? place.stage : 'moe_router';
    select({ layer: at.layer ?? layer, stage, position: 'position' in at ? at.position : place?.position });
  };
  const wide = view.nExpert > 24;
  return (
    <section className="routing" aria-label="Routing">
      <LoadFigure view={view} layer={layer} expert={expert} onLook={look} />
      <PartsFigure view={view} layer={layer} expert={expert} onLook={look} />
      <TokenStrip view={view} layer={layer} expert={expert} position={position} onLook={look} />
      <div className={wide ? 'pair wide' : 'pair'}>
        <RoutingFigure view={view} />
        {position === undefined ? null : <PathFigure view={view} position={position} layer={layer} onLook={look} />}
      </div>
    </section>
  );
}

/** Moves what is looked at; an `expert` below 0 lets go of it. */
export type Look = (at: {
  readonly layer?: number;
  readonly position?: number | undefined;
  readonly expert?: number;
}) => void;
