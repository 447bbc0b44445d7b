// Functions that steps of a context run.
#pragma once
#include "Context.h"

namespace longtail::runtime {

// A carried value's memory: a trip reads what the one before wrote, so two blocks take turns. The
// other one is the callee's own output.
struct Carried {
  Block spare;
};

// The slices that a loop has collected, one behind the other.
struct Accumulated {
  Block memory;
  uint64_t bytes; // in use
  int64_t dims[LT_MAX_RANK];
};

// The context of a function that a step calls, and what a loop keeps beside it.
struct CallState {
  lt_context context;
  int64_t trip = 0; // the body's first input
  Array<Carried> carried;
  Array<Accumulated> accumulated;

  void destroy(const Memory &memory);
};

} // namespace longtail::runtime
