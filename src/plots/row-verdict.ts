import type { Row } from '../divergence/report';

/** Either engine has a value that is not finite. */
export function isBroken({ nanA = 0, infA = 0, nanB = 0, infB = 0 }: Row): boolean {
  return nanA + infA + nanB + infB > 0;
}

/** Wrong by itself; victims and rows after a flip are not. */
export function isFailing(row: Row): boolean {
  switch (row.verdict) {
    case 'diverge':
    case 'nan-gpu':
    case 'nan-cpu':
    case 'nan-both':
    case 'missing':
      return true;
    case 'match':
    case 'after-flip':
    case 'victim':
    case 'unmeasured':
    case 'not-applicable':
      return false;
  }
}
