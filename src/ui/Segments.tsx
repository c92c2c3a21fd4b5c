import { useId, type ReactElement } from 'react';

/** A choice of few, set as words in a row. */
export function Segments<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly id: T; readonly title: string }[];
  readonly onChange: (value: T) => void;
}): ReactElement {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">{props.label}</legend>
      {props.options.map((option) => (
        <label key={option.id}>
          <input
            type="radio"
            name={name}
            checked={option.id === props.value}
            onChange={() => {
              props.onChange(option.id);
            }}
          />
          {option.title}
        </label>
      ))}
    </fieldset>
  );
}
