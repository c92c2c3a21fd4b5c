const TOKENS = 4u;
