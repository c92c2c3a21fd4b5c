import { testGoldens } from '../../e2e/support/golden';

testGoldens((_model, all) => all);
