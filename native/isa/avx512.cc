#define LW_ISA avx512
#include "passes.h"
#include "../simd/avx512.h"
#include "table.inc"
