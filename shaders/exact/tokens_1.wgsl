const TOKENS = 1u;
