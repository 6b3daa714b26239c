#include "error.h"

#include <math.h>
#include <stdio.h>

namespace lanewise {

std::string text(double value) {
  char buffer[40];
  const bool whole = value == floor(value) && fabs(value) < 1e17;
  snprintf(buffer, sizeof buffer, whole ? "%.0f" : "%g", value);
  return buffer;
}

}  // namespace lanewise
