#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Access/AccessComposer.h"
#include "passes/Access/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_LOWERCONCATPASS
#include "passes/Access/Passes.h.inc"

namespace {

struct LowerConcat final : impl::LowerConcatPassBase<LowerConcat> {
  using LowerConcatPassBase::LowerConcatPassBase;

  void runOnOperation() override {
    AccessComposer composer(getOperation());
    SmallVector<access::ConcatOp> concats;
    getOperation().walk([&](access::ConcatOp concat) { concats.push_back(concat); });
    for (access::ConcatOp concat : concats)
      if (failed(lower(concat, composer)))
        return signalPassFailure();
  }

private:
  static Value sizeValue(OpBuilder &builder, Location loc, AffineExpr size) {
    if (auto constant = dyn_cast<AffineConstantExpr>(size))
      return arith::ConstantIndexOp::create(builder, loc, constant.getValue());
    return extent::SizeOp::create(
        builder, loc, builder.getIndexType(),
        AffineMapAttr::get(extent::sizesMap(builder.getContext(), {size})));
  }

  LogicalResult lower(access::ConcatOp concat, const AccessComposer &composer) {
    OpBuilder builder(concat);
    auto type = cast<RankedTensorType>(concat.getType());
    unsigned axis = concat.getAxis();
    Type element = access::computeType(type.getElementType());
    auto zero = dyn_cast_or_null<TypedAttr>(builder.getZeroAttr(element));
    if (!zero)
      return concat.emitOpError() << "joins elements of type " << element;

    SmallVector<compute::Operand> pieces;
    SmallVector<AffineExpr> offsets;
    AffineExpr position = builder.getAffineDimExpr(axis), offset = builder.getAffineConstantExpr(0);
    for (Value source : concat.getSources()) {
      AffineExpr size = extent::sizesOf(source)[axis];
      if (!size)
        return concat.emitOpError() << "does not know the size of a source in dimension " << axis;
      if (size == 0)
        continue;
      SmallVector<AffineExpr> indices;
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        indices.push_back(builder.getAffineDimExpr(dim));
      indices[axis] = position - offset;
      pieces.push_back({source,
                        access::makeMap(builder.getContext(), type.getRank(), indices,
                                        {position - offset}, {size}),
                        zero});
      offsets.push_back(offset);
      offset = offset + size;
    }
    if (pieces.empty()) // an empty result: any piece will do
      pieces.push_back({concat.getSources().front(), {}, {}});

    auto map = compute::buildMap(
        builder, concat.getLoc(), type, pieces, [&](OpBuilder &body, ValueRange values) {
          Value result = values.back(), index;
          if (values.size() > 1)
            index = compute::IndexOp::create(body, concat.getLoc(), body.getIndexType(), axis);
          // The first piece that ends behind the position.
          for (size_t i = values.size() - 1; i-- > 0;) {
            Value end = sizeValue(body, concat.getLoc(), offsets[i + 1]);
            Value before =
                arith::CmpIOp::create(body, concat.getLoc(), arith::CmpIPredicate::slt, index, end);
            result = arith::SelectOp::create(body, concat.getLoc(), before, values[i], result);
          }
          return SmallVector<Value>{result};
        });
    composer.composeOperands(map);
    concat.getResult().replaceAllUsesWith(map.getResult(0));
    llvm::SmallSetVector<Operation *, 4> reads;
    for (Value source : concat.getSources())
      if (auto read = source.getDefiningOp<access::ReadOp>())
        reads.insert(read);
    concat.erase();
    for (Operation *read : reads)
      if (read->use_empty())
        read->erase();
    return success();
  }
};

} // namespace
} // namespace longtail
