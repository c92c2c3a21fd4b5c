import { memo, useLayoutEffect, useMemo, useRef, type KeyboardEvent, type ReactElement } from 'react';
import { formatCount } from '../../base/format';
import type { MapLayout } from '../../plots/map/layout';
import type { MapData } from '../../plots/map/map-types';
import { columnsOf, type Columns } from '../../plots/tabs/columns';
import { TABS, type TabId } from '../../plots/tabs/tabs';
import { selectNews, selectTab } from '../../store/view';
import { useActions, useApp } from '../use-app';
import { LoadTab } from './LoadTab';
import { NextTab } from './NextTab';
import { NonfiniteTab } from './NonfiniteTab';
import { NumbersTab } from './NumbersTab';
import { RoutingTab } from './RoutingTab';
import { TokensTab } from './TokensTab';

const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };

/** What does not fit on the map, always in one order; a tab with something to say is lit. */
export const Tabs = memo(function Tabs(props: {
  readonly data: MapData;
  readonly layout: MapLayout;
  readonly alone: boolean;
}): ReactElement {
  const { data, layout, alone } = props;
  const news = useApp(selectNews);
  const open = useApp(selectTab);
  const { setTab, focus } = useActions();
  const columns = useMemo(() => columnsOf(layout), [layout]);
  const tab = alone && ['tokens', 'nonfinite', 'numbers'].includes(open) ? 'routing' : open;
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // On a phone the tabs are wider than the page.
    const chosen = list.current?.querySelector<HTMLElement>('[aria-selected="true"]');
    if (list.current === null || chosen === null || chosen === undefined) return;
    list.current.scrollLeft = chosen.offsetLeft - (list.current.clientWidth - chosen.offsetWidth) / 2;
  }, [tab]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = TABS.findIndex(({ id }) => id === tab);
    const next = TABS[(at + step + TABS.length) % TABS.length]?.id ?? tab;
    setTab(next);
    focus(`tab-${next}`);
  };
  return (
    <section className="tabs-block" aria-label="Below the map">
      <div ref={list} className="tabs" role="tablist" aria-label="More of the trace" onKeyDown={onKeyDown}>
        {TABS.map(({ id, title }) => {
          const own = news?.get(id);
          const selected = id === tab;
          return (
            <button
              key={id}
              id={`tab-${id}`}
              type="button"
              role="tab"
              aria-selected={selected}
              aria-controls="tab-pane"
              tabIndex={selected ? 0 : -1}
              data-go={`tab-${id}`}
              className={own === undefined ? undefined : 'lit'}
              onClick={() => {
                setTab(id);
              }}
            >
              {title}
              {own === undefined ? null : (
                <span className={own.alarm ? 'count alarm' : 'count'}>{formatCount(own.count)}</span>
              )}
            </button>
          );
        })}
      </div>
      <div id="tab-pane" className="pane" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={-1}>
        <Pane tab={tab} data={data} columns={columns} />
      </div>
    </section>
  );
});

function Pane({
  tab,
  data,
  columns,
}: {
  readonly tab: TabId;
  readonly data: MapData;
  readonly columns: Columns;
}): ReactElement {
  switch (tab) {
    case 'tokens':
      return <TokensTab data={data} columns={columns} />;
    case 'routing':
      return <RoutingTab data={data} columns={columns} />;
    case 'load':
      return <LoadTab data={data} columns={columns} />;
    case 'nonfinite':
      return <NonfiniteTab data={data} width={columns.width} />;
    case 'numbers':
      return <NumbersTab data={data} />;
    case 'next':
      return <NextTab view={data.view} />;
  }
}
