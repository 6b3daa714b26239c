#define LW_ISA avx2
#include "passes.h"
#include "../simd/avx2.h"
#include "table.inc"
