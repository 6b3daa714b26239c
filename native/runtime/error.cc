#include "error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

namespace lanewise {

std::string text(double value) {
  if (isnan(value)) return "NaN";
  if (isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char buffer[40];
  if (value == floor(value) && fabs(value) < 1e17) {
    snprintf(buffer, sizeof buffer, "%.0f", value);
    return buffer;
  }
  // Not std::to_chars, which macOS has from 13.3 on.
  for (int digits = 1; digits <= 17; ++digits) {
    snprintf(buffer, sizeof buffer, "%.*g", digits, value);
    if (strtod(buffer, nullptr) == value) break;
  }
  return buffer;
}

}  // namespace lanewise
