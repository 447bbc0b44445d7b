// Upper bounds on everything an artifact or a caller can ask for. All sizes are bytes.
#pragma once
#include "longtail/runtime.h"

namespace longtail::runtime::limits {

constexpr uint32_t kSections = 64;
constexpr uint64_t kMetadataBytes = uint64_t{64} << 20;
constexpr uint64_t kCodeBytes = uint64_t{256} << 20; // per variant
constexpr uint32_t kVariants = 32;
constexpr uint32_t kFunctions = 1024; // of all variants
constexpr uint32_t kInputs = 256;
constexpr uint32_t kOutputs = 256;
constexpr uint32_t kSteps = 1u << 20; // of all functions
constexpr uint32_t kPairs = 1u << 16;
constexpr uint32_t kNameBytes = 1023; // names and messages; values of pairs have no limit
constexpr int64_t kDim = LT_MAX_DIM;
constexpr int64_t kTensorBytes = int64_t{1} << 40;
constexpr int64_t kArenaBytes = int64_t{1} << 40;
constexpr int64_t kScratchBytes = int64_t{1} << 32; // per worker
constexpr int64_t kTiles = int64_t{1} << 31;
constexpr int64_t kTrips = int64_t{1} << 32; // of one loop
constexpr uint32_t kCallDepth = 64;          // functions that call functions
constexpr uint32_t kContexts = 1u << 14;     // of a function and all that it calls
constexpr uint32_t kStructBytes = 4096;      // largest `size` of an API struct

} // namespace longtail::runtime::limits
