import type { ReactElement, ReactNode } from 'react';

/** Names and values in two columns. Pairs without a value are left out. */
export function Pairs(props: { readonly items: readonly (readonly [string, ReactNode])[] }): ReactElement {
  return (
    <dl className="pairs">
      {props.items
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <Pair key={name} name={name} value={value} />
        ))}
    </dl>
  );
}

function Pair(props: { readonly name: string; readonly value: ReactNode }): ReactElement {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
    </>
  );
}
