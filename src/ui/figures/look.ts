/** Moves what is looked at; an `expert` below 0 lets go of it. */
export type Look = (at: {
  readonly layer?: number;
  readonly position?: number | undefined;
  readonly expert?: number;
}) => void;
