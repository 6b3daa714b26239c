#define LW_ISA baseline
#include "passes.h"
#include "../simd/sse2.h"
#include "table.inc"
