#define LW_ISA baseline
#include "../simd/sse2.h"
#include "table.inc"
