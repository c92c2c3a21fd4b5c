// Rows of W that a team of lanes computes together: x is loaded once for all of them.
const ROWS = 4u;
