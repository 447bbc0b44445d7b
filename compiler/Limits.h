// Upper bounds on what a model may ask of the compiler. What a caller may lower is the default of
// an option; sizes of an artifact have the runtime's limits (runtime/src/Limits.h).
#pragma once
#include <cstdint>

namespace longtail::limits {

/// Nodes in all graphs, each function counted as often as it is called.
inline constexpr uint64_t kNodes = 1000000;
/// Graphs and function calls within each other.
inline constexpr unsigned kDepth = 32;
/// Bytes of the model's file without its tensors.
inline constexpr uint64_t kReducedBytes = uint64_t(512) << 20;
/// Bytes of all sparse tensors as dense ones.
inline constexpr uint64_t kSparseBytes = uint64_t(256) << 20;
/// Bytes of a tensor of one repeated value that is stored. A larger one is computed.
inline constexpr int64_t kSplatBytes = int64_t(16) << 20;
/// Size of a kernel, stride, dilation or pad: the largest dimension of the runtime.
inline constexpr int64_t kWindow = 0x7fffffff;

} // namespace longtail::limits
