// The text that stands for a group. It is written here, not printed by MLIR: what MLIR prints may
// change, and records would be lost.
#include "passes/Schedule/GroupModule.h"
#include "passes/Schedule/Records.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;

namespace longtail {

namespace {

constexpr size_t kDigits = 40;

class Writer {
public:
  Writer(std::string &structure, std::string &shapes) : text(structure), sizes(shapes) {}

  void write(Type type) {
    if (auto place = dyn_cast<access::PlaceType>(type)) {
      text << "place ";
      return write(Type(place.getTensor()));
    }
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor) {
      text << type;
      return;
    }
    text << "tensor";
    for (int64_t i = 0; i < tensor.getRank(); ++i)
      text << '?';
    text << tensor.getElementType();
    write(extent::sizesOf(tensor));
  }

  void write(Block &block) {
    text << '{';
    for (BlockArgument argument : block.getArguments()) {
      number(argument);
      write(argument.getType());
      text << ',';
    }
    for (Operation &op : block)
      write(op);
    text << '}';
  }

  void write(ArrayAttr layouts) {
    for (Attribute layout : layouts)
      text << layout << ';';
  }
  void write(ArrayRef<int64_t> layout) {
    llvm::interleave(layout, text, ",");
    text << ';';
  }

private:
  void write(ArrayRef<AffineExpr> all) {
    sizes << separator;
    separator = ",";
    llvm::interleave(
        all, [&](AffineExpr size) { size ? size.print(sizes) : void(sizes << '?'); },
        [&] { sizes << 'x'; });
  }

  unsigned number(Value value) { return numbers.try_emplace(value, numbers.size()).first->second; }

  void write(Operation &op) {
    text << op.getName().getStringRef() << '(';
    for (Value operand : op.getOperands())
      text << number(operand) << ',';
    text << ')';
    for (NamedAttribute attribute : op.getAttrDictionary()) {
      text << attribute.getName().getValue() << '=';
      auto map = dyn_cast<AffineMapAttr>(attribute.getValue());
      if (attribute.getName() == "extents" && map) {
        text << map.getValue().getNumResults();
        write(map.getValue().getResults());
      } else {
        text << attribute.getValue();
      }
      text << ',';
    }
    for (Value result : op.getResults()) {
      number(result);
      write(result.getType());
    }
    for (Region &region : op.getRegions())
      for (Block &block : region)
        write(block);
    text << '\n';
  }

  llvm::raw_string_ostream text, sizes;
  StringRef separator;
  llvm::DenseMap<Value, unsigned> numbers;
};

} // namespace

GroupKey keyOf(compute::FusedOp group) {
  GroupCopy copy = copyGroup(group);
  std::string structure;
  GroupKey key;
  Writer writer(structure, key.shapes);
  structure +=
      compute::stringifyGroupClass(group.getStrategy().value_or(compute::GroupClass::Pointwise));
  structure += '\n';
  if (copy.group.getLayoutsAttr())
    writer.write(copy.group.getLayoutsAttr());
  for (ArrayRef<int64_t> layout : inputLayouts(group))
    writer.write(layout);
  writer.write(copy.group.getBody().front());

  llvm::SHA256 hash;
  hash.update(structure);
  key.structure = llvm::toHex(hash.final(), /*LowerCase=*/true).substr(0, kDigits);
  llvm::raw_string_ostream types(key.types);
  auto list = [&](ValueRange values) {
    llvm::interleave(
        values, [&](Value value) { types << getElementTypeOrSelf(value.getType()); },
        [&] { types << ','; });
  };
  list(copy.group.getInputs());
  types << "->";
  list(copy.group.getResults());
  return key;
}

} // namespace longtail
