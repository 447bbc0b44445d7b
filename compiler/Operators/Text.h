// What operators on strings share: calls of text functions in grids, constants, tables.
#pragma once
#include "compiler/Operators/GridBuilder.h"

namespace longtail::operators {

/// Scalar code of grids on strings, which are handles of type i64.
class TextBuilder : public GridBuilder {
public:
  explicit TextBuilder(const GridBuilder &grid) : GridBuilder(grid) {}

  /// A call of a text function (runtime/include/longtail/artifact.h, lt_text_function).
  mlir::Value text(compute::TextFunction function, mlir::ValueRange operands) const;
  mlir::Value number64(int64_t value) const { return integer(builder().getI64Type(), value); }
  /// The only element of a tensor of rank 0.
  mlir::Value only(mlir::Value tensor) const { return load(tensor, {}); }
  /// Whether a number of type i64 is not 0.
  mlir::Value isTrue(mlir::Value value) const {
    return cmpI(mlir::arith::CmpIPredicate::ne, value, number64(0));
  }
};

/// True for the element type of tensors of strings.
bool isText(mlir::Type elementType);
mlir::Type textType(const InferContext &ctx);

/// A constant tensor of rank 0 with a string, which may be a table.
mlir::Value textConstant(ExpandContext &ctx, llvm::StringRef string);
/// A constant vector of strings.
mlir::Value textConstants(ExpandContext &ctx, llvm::ArrayRef<llvm::StringRef> strings);

/// Each element of a tensor of type `result` from those of `operands`, which broadcast to it.
mlir::Value
mapText(ExpandContext &ctx, mlir::RankedTensorType result, llvm::ArrayRef<mlir::Value> operands,
        llvm::function_ref<mlir::Value(const TextBuilder &, llvm::ArrayRef<mlir::Value>)> body);

/// Every element of `source` as `to`, where one of both types is that of strings, by the rules of
/// ONNX Cast.
mlir::Value castText(ExpandContext &ctx, mlir::Value source, mlir::Type to);

/// Whether strings are equal, as a tensor of type `result` (bools).
mlir::Value equalText(ExpandContext &ctx, mlir::RankedTensorType result, mlir::Value a,
                      mlir::Value b);

/// The strings of an attribute; nothing where it is absent or no list of strings.
std::optional<llvm::SmallVector<llvm::StringRef>> stringsOf(const InferContext &ctx,
                                                            llvm::StringRef name);
/// Reports an input that is not a tensor of strings.
mlir::LogicalResult requireText(InferContext &ctx, unsigned input, llvm::StringRef name);

/// The table of `TextFunction::Lookup` that gives `values[i]` for `keys[i]`; of equal keys the last
/// counts.
std::string dictionaryOf(llvm::ArrayRef<llvm::StringRef> keys, llvm::ArrayRef<uint32_t> values);
/// The same with the keys' positions as values.
std::string dictionaryOf(llvm::ArrayRef<llvm::StringRef> keys);

/// Tables of `TextFunction::Replace`: every character in lower or upper case, by Unicode.
llvm::StringRef lowerCaseTable();
llvm::StringRef upperCaseTable();
/// `string` after replacing its characters by a table.
std::string replaceCharacters(llvm::StringRef string, llvm::StringRef table);

} // namespace longtail::operators
