// Read-only bytes of the model and of its external data, shared by all attributes that refer to
// them.
#pragma once
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace longtail::onnx {

/// A mapped file or a copy of bytes in memory.
class Storage {
public:
  /// Maps the file `path`, which may be a link.
  static llvm::Expected<std::shared_ptr<const Storage>> map(llvm::StringRef path);

  /// Maps the file `location` beneath `folder`: relative, without "..", no link on the way, a
  /// regular file that has no second name.
  static llvm::Expected<std::shared_ptr<const Storage>> mapBeneath(llvm::StringRef folder,
                                                                   llvm::StringRef location);

  static std::shared_ptr<const Storage> copy(llvm::StringRef bytes);

  llvm::StringRef bytes() const { return content; }

  Storage(const Storage &) = delete;
  Storage &operator=(const Storage &) = delete;
  ~Storage();

private:
  Storage() = default;
  static llvm::Expected<std::shared_ptr<const Storage>> mapDescriptor(int descriptor,
                                                                      bool allowLinks);

  llvm::StringRef content;
  bool isMapped = false;
  std::string copied;
};

} // namespace longtail::onnx
