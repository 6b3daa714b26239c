#define LW_ISA avx512
#include "../simd/avx512.h"
#include "table.inc"
