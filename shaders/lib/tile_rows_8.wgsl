// Rows of W of one lane of a tile.
const LANE_ROWS = 8u;
