import { useCallback, type ReactElement } from 'react';
import { stageSpec } from '../../model/stages';
import { routingLayer } from '../../plots/select-routing';
import type { TraceView } from '../../plots/trace-view';
import { selectPlace } from '../../store/view';
import { useApp, useAppStore } from '../use-app';
import { Later } from '../Later';
import type { Look } from './look';
import { LoadFigure } from './LoadFigure';
import { PartsFigure } from './PartsFigure';
import { PathFigure } from './PathFigure';
import { RoutingFigure } from './RoutingFigure';
import { TokenStrip } from './TokenStrip';

/** Which experts each token met: how they are used, what the parts of the prompt prefer, one layer's choices, one token's way. */
export function RoutingSection({ view }: { readonly view: TraceView }): ReactElement | null {
  const store = useAppStore();
  const chosen = useApp((s) => s.expert);
  // A link may name an expert that another model has.
  const expert = chosen !== undefined && chosen < view.nExpert ? chosen : undefined;
  const look: Look = useCallback(
    (at) => {
      if (at.expert !== undefined) store.actions.setExpert(at.expert < 0 ? undefined : at.expert);
      if (at.layer === undefined && !('position' in at)) return;
      const place = selectPlace(store.getState());
      const layer = at.layer ?? store.getState().selection?.layer ?? routingLayer(view);
      const stage = place?.stage !== undefined && stageSpec(place.stage).scope === 'layer' ? place.stage : 'moe_router';
      store.actions.select({ layer, stage, position: 'position' in at ? at.position : place?.position });
    },
    [store, view],
  );
  if (view.routing.length === 0) return null;
  const wide = view.nExpert > 24;
  return (
    <section className="routing" aria-label="Routing">
      <Later>
        <LoadFigure view={view} expert={expert} onLook={look} />
        <PartsFigure view={view} expert={expert} onLook={look} />
        <TokenStrip view={view} expert={expert} onLook={look} />
        <div className={wide ? 'pair wide' : 'pair'}>
          <Later>
            <RoutingFigure view={view} />
            <PathFigure view={view} onLook={look} />
          </Later>
        </div>
      </Later>
    </section>
  );
}
