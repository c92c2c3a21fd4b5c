// How a workgroup's lanes are used: teams of LANES lanes, each a row of N_IN columns at a time.
override LANES = 32u;
override GROUP = 128u;
override N_IN = 2048u;
