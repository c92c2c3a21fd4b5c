// How a workgroup's lanes are used: teams of LANES lanes, each ROWS rows of N_IN columns at a time.
#include <rowsPerTeam>

override LANES = 32u;
override GROUP = 128u;
override N_IN = 2048u;
