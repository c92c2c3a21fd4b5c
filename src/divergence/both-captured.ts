import type { Row } from './report';

/** Both engines captured the tensor: its verdict counts, also where they share no expert and nothing could be measured (`count` 0). */
export function bothCaptured({ verdict }: Row): boolean {
  return verdict !== 'missing' && verdict !== 'unmeasured' && verdict !== 'not-applicable';
}
