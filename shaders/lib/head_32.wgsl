// Channels of a head: 32.
const HEAD_CHUNKS = 1u;
