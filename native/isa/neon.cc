#define LW_ISA neon
#include "../simd/neon.h"
#include "table.inc"
