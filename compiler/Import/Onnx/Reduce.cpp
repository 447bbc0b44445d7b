#include "compiler/Import/Onnx/Reduce.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

using namespace longtail::onnx;
namespace endian = llvm::support::endian;

std::string Placeholder::encode() const {
  std::string bytes(20, '\0');
  endian::write64le(bytes.data(), offset);
  endian::write64le(bytes.data() + 8, size);
  endian::write32le(bytes.data() + 16, field);
  return bytes;
}

std::optional<Placeholder> Placeholder::decode(llvm::StringRef bytes) {
  if (bytes.size() != 20)
    return std::nullopt;
  return Placeholder{endian::read64le(bytes.data()), endian::read64le(bytes.data() + 8),
                     endian::read32le(bytes.data() + 16)};
}

namespace {

/// The messages that may contain tensors.
enum class Message { Model, Graph, Function, Node, Attribute, SparseTensor, Tensor, Other };

enum WireType : uint32_t { Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5 };

constexpr uint32_t kTrainingInfoField = 20;
/// Shorter lists of floats are left to protobuf.
constexpr uint64_t kMinCutBytes = 1024;

/// The type of field `field` of a `message`, as onnx-ml.proto numbers them.
Message getChild(Message message, uint32_t field) {
  switch (message) {
  case Message::Model:
    return field == 7 ? Message::Graph : field == 25 ? Message::Function : Message::Other;
  case Message::Graph:
    return field == 1    ? Message::Node
           : field == 5  ? Message::Tensor
           : field == 15 ? Message::SparseTensor
                         : Message::Other;
  case Message::Function:
    return field == 7 ? Message::Node : field == 11 ? Message::Attribute : Message::Other;
  case Message::Node:
    return field == 5 ? Message::Attribute : Message::Other;
  case Message::Attribute:
    return field == 5 || field == 10    ? Message::Tensor
           : field == 6 || field == 11  ? Message::Graph
           : field == 22 || field == 23 ? Message::SparseTensor
                                        : Message::Other;
  case Message::SparseTensor:
    return field == 1 || field == 2 ? Message::Tensor : Message::Other;
  case Message::Tensor:
  case Message::Other:
    return Message::Other;
  }
  llvm_unreachable("all messages are handled");
}

/// Copies a message while cutting tensors out of it.
class Reducer {
public:
  Reducer(llvm::StringRef model, const ImportOptions &options) : model(model), options(options) {}

  llvm::Error reduce(Message message, uint64_t begin, uint64_t end, unsigned depth);
  std::string takeOutput() { return std::move(output); }

private:
  llvm::Error malformed(uint64_t position) const {
    return llvm::createStringError("is not an ONNX model or is truncated, at byte " +
                                   llvm::Twine(position));
  }
  bool readVarint(uint64_t &position, uint64_t end, uint64_t &value) const;
  void writeVarint(uint64_t value);

  llvm::StringRef model;
  const ImportOptions &options;
  std::string output;
};

} // namespace

bool Reducer::readVarint(uint64_t &position, uint64_t end, uint64_t &value) const {
  value = 0;
  for (unsigned shift = 0; shift < 64 && position < end; shift += 7) {
    uint8_t byte = static_cast<uint8_t>(model[position++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80)
      return true;
  }
  return false;
}

void Reducer::writeVarint(uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    output.push_back(static_cast<char>(value | 0x80));
  output.push_back(static_cast<char>(value));
}

llvm::Error Reducer::reduce(Message message, uint64_t begin, uint64_t end, unsigned depth) {
  if (depth > options.maxDepth)
    return llvm::createStringError("nests graphs more than " + llvm::Twine(options.maxDepth) +
                                   " deep");
  unsigned numCuts = 0;
  uint64_t position = begin;
  while (position < end) {
    uint64_t start = position, tag, value;
    if (!readVarint(position, end, tag) || tag >> 3 == 0 || tag >> 32 != 0)
      return malformed(start);
    uint32_t field = static_cast<uint32_t>(tag >> 3), wire = tag & 7;
    uint64_t contents = position;
    if (wire == Varint) {
      if (!readVarint(position, end, value))
        return malformed(start);
    } else if (wire == Fixed64 || wire == Fixed32) {
      uint64_t size = wire == Fixed64 ? 8 : 4;
      if (end - position < size)
        return malformed(start);
      position += size;
    } else if (wire == Length) {
      if (!readVarint(position, end, value) || value > end - position)
        return malformed(start);
      contents = position;
      position += value;
    } else {
      return malformed(start);
    }

    Message child = wire == Length ? getChild(message, field) : Message::Other;
    bool isCut =
        message == Message::Tensor && wire == Length &&
        (field == kRawDataField || ((field == kFloatDataField || field == kDoubleDataField) &&
                                    position - contents >= kMinCutBytes));
    if (message == Message::Model && field == kTrainingInfoField)
      continue;
    if (isCut) {
      if (++numCuts > 1)
        return llvm::createStringError("has a tensor with two sets of data, at byte " +
                                       llvm::Twine(start));
      std::string bytes = Placeholder{contents, position - contents, field}.encode();
      writeVarint(kRawDataField << 3 | Length);
      writeVarint(bytes.size());
      output += bytes;
    } else if (child != Message::Other) {
      writeVarint(tag);
      // The length is known only after the contents: leave room for its longest form.
      uint64_t lengthAt = output.size();
      output.append(5, '\0');
      if (llvm::Error error = reduce(child, contents, position, depth + (child == Message::Graph)))
        return error;
      uint64_t length = output.size() - lengthAt - 5;
      for (unsigned i = 0; i < 5; ++i)
        output[lengthAt + i] = static_cast<char>((length >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    } else {
      // Before the copy: the field may be as long as the file.
      if (output.size() + (position - start) > options.maxReducedBytes)
        return llvm::createStringError("has more than " + llvm::Twine(options.maxReducedBytes) +
                                       " bytes besides its tensors' raw data");
      output.append(model.data() + start, position - start);
    }
  }
  if (output.size() > options.maxReducedBytes)
    return llvm::createStringError("has more than " + llvm::Twine(options.maxReducedBytes) +
                                   " bytes besides its tensors' raw data");
  return llvm::Error::success();
}

llvm::Expected<std::string> longtail::onnx::reduceModel(llvm::StringRef model,
                                                        const ImportOptions &options) {
  Reducer reducer(model, options);
  if (llvm::Error error = reducer.reduce(Message::Model, 0, model.size(), 0))
    return std::move(error);
  return reducer.takeOutput();
}
