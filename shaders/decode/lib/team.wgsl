// How a workgroup's lanes are used: SHARE teams of LANES lanes for each row of N_IN columns.
override LANES = 32u;
override GROUP = 128u;
override SHARE = 1u;
override N_IN = 2048u;

// Which of its row's teams a lane belongs to. Below SHARE.
var<private> share: u32;
