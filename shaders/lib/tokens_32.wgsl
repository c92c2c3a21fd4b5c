// Most rows of x that one entry of the work list brings.
const TOKENS = 32u;
