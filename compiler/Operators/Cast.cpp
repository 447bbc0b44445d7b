// Cast and CastLike.
#include "compiler/Operators/Elementwise.h"
#include "compiler/Operators/Text.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// The type to cast to, or null after an error.
Type targetType(InferContext &context) {
  if (context.getNode().getOpType() == "CastLike")
    return context.elementType(1);
  Attribute to = context.attribute("to");
  int64_t number = 0;
  if (auto name = dyn_cast_or_null<StringAttr>(to)) // version 1 spells the type
    number = llvm::StringSwitch<int64_t>(name.getValue())
                 .Case("FLOAT", 1)
                 .Case("UINT8", 2)
                 .Case("INT8", 3)
                 .Case("UINT16", 4)
                 .Case("INT16", 5)
                 .Case("INT32", 6)
                 .Case("INT64", 7)
                 .Case("STRING", 8)
                 .Case("BOOL", 9)
                 .Case("FLOAT16", 10)
                 .Case("DOUBLE", 11)
                 .Case("UINT32", 12)
                 .Case("UINT64", 13)
                 .Default(0);
  else
    number = context.getInt("to", 0);
  Type type = elementTypeOf(context.getContext(), number);
  if (!type)
    return context.error() << "attribute 'to' names element type " << number
                           << ", which is not supported",
           Type();
  return type;
}

LogicalResult inferCast(InferContext &context) {
  if (!context.elementType(0).isIntOrFloat() && !isText(context.elementType(0)))
    return context.error() << "casts from " << context.elementType(0) << " are not supported";
  StringRef mode = context.getString("round_mode", "up");
  if (mode != "up" && mode != "down" && mode != "nearest")
    return context.error() << "attribute 'round_mode' is '" << mode
                           << "', expected 'up', 'down' or 'nearest'";
  Type type = targetType(context);
  if (!type)
    return failure();
  context.setResult(0, type, context.sizes(0));
  return success();
}

LogicalResult expandCast(ExpandContext &context) {
  Type from = context.elementType(0), to = context.resultType(0).getElementType();
  if (from == to) {
    context.setValue(0, context.input(0));
    return success();
  }
  if (isText(from) || isText(to)) {
    context.setValue(0, castText(context, context.input(0), to));
    return success();
  }
  bool saturate = context.getInt("saturate", 1) != 0;
  auto mode = llvm::StringSwitch<RoundMode>(context.getString("round_mode", "up"))
                  .Case("down", RoundMode::Down)
                  .Case("nearest", RoundMode::Nearest)
                  .Default(RoundMode::Up);
  auto body = [&](OpBuilder &b, ValueRange x) {
    return SmallVector<Value>{Scalar(b, context.getLoc()).convert(x[0], from, to, saturate, mode)};
  };
  context.setValue(0, context.pointwise(context.resultType(0), context.input(0), body));
  return success();
}

} // namespace

void registerCast(Registry &registry) {
  registry.add({"", "Cast", 1, inferCast, expandCast, 1, /*takesText=*/true});
  registry.add({"", "CastLike", 15, inferCast, expandCast, 2, /*takesText=*/true});
}

} // namespace longtail::operators
