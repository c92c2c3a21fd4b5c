const TOKENS = 2u;
