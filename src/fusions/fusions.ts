import { attention } from './attention/fusion';
import { attentionPlain } from './attention-plain/fusion';
import { embed } from './embed/fusion';
import { expertsIn } from './experts-in/fusion';
import { expertsOut } from './experts-out/fusion';
import type { Fusion } from './fusion';
import { head } from './head/fusion';
import { project } from './project/fusion';
import { qkv } from './qkv/fusion';
import { router } from './router/fusion';

/** THE FUSIONS of a decoded token. The largest that fits is taken; of equals the first. */
export const FUSIONS: readonly Fusion[] = [
  embed,
  qkv,
  attention,
  attentionPlain,
  project,
  router,
  expertsIn,
  expertsOut,
  head,
];
