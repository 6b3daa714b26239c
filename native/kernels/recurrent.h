// Recurrent sequences: see RecurrentForwardArgs for the formulas.
#pragma once
#include "recurrent/backward.h"
#include "recurrent/forward.h"
