// How a workgroup's lanes are used: teams of LANES lanes, each BATCHES times ROWS rows of N_IN columns.
#include <rowsPerTeam>

override LANES = 32u;
override GROUP = 128u;
override BATCHES = 1u;
override N_IN = 2048u;
