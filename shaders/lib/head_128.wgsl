// Channels of a head: 128.
const HEAD_CHUNKS = 4u;
