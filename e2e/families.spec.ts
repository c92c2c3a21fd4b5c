import { FAMILIES } from '../tests/families/goldens';
import { testGoldens } from './support/golden';

testGoldens(
  FAMILIES.map((name) => `families/${name}`),
  (_model, all) => all,
);
