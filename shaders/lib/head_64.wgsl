// Channels of a head: 64.
const HEAD_CHUNKS = 2u;
