#define LW_ISA neon
#include "passes.h"
#include "../simd/neon.h"
#include "table.inc"
