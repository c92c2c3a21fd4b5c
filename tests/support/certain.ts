/** An error of twice the bound is certain to be seen: an honest engine takes away one at most. */
export const CERTAIN = 2;
