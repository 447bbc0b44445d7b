// Upper bounds on branches and loops of a model.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>

namespace longtail {

/// Bodies within bodies. The runtime's own limit is the same.
inline constexpr unsigned kMaxBodyDepth = 64;
/// Inferences of bodies in one module: a body is inferred again where a value that it carries turns
/// out to change its size.
inline constexpr unsigned kMaxBodyInferences = 4096;

/// Copies of nodes that come after branches whose results differ in rank or type, in one module.
inline constexpr size_t kMaxTailCopies = 100000;

/// The largest size that the runtime accepts.
inline constexpr int64_t kMaxBodySize = std::numeric_limits<int32_t>::max();

} // namespace longtail
