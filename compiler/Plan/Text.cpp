#include "compiler/Plan/Text.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace longtail::plan {

/// Bytes of a name at most; the format allows a little more.
static constexpr size_t kMaxBytes = 512;

std::string shortText(StringRef text) {
  std::string result;
  llvm::copy_if(text.take_front(kMaxBytes + 4), std::back_inserter(result),
                [](char c) { return c != '\0'; });
  if (result.size() <= kMaxBytes)
    return result;
  size_t end = kMaxBytes - 3;
  while (end > 0 && (static_cast<unsigned char>(result[end]) & 0xc0) == 0x80)
    --end;
  return result.substr(0, end) + "...";
}

static void collectNames(Location location, llvm::SetVector<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(location))
    names.insert(name.getName().getValue());
  else if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      collectNames(part, names);
  else if (auto call = dyn_cast<CallSiteLoc>(location))
    collectNames(call.getCallee(), names);
}

std::string locationText(Location location) {
  llvm::SetVector<StringRef> names;
  collectNames(location, names);
  if (!names.empty())
    return llvm::join(names, ", ");
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    return (file.getFilename().getValue() + ":" + Twine(file.getLine())).str();
  return "unnamed";
}

} // namespace longtail::plan
