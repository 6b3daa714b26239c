// First in an ISA object. Passes of g++'s -O3 that make the kernels a tenth larger and none of them faster (docs/reliability.md, "Size"):
// they copy loops for steps of 1 through memory and for what stays the same, where the kernels choose by hand. clang has no such options.
#pragma once
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-version-loops-for-strides", "no-unswitch-loops")
#endif
