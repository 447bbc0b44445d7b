// com.microsoft::DynamicQuantizeLSTM: weights are 8-bit integers; the inputs (all together) and
// each row of the state before each step are quantized by their own range.
#include "compiler/Operators/ByteProduct.h"
#include "compiler/Operators/Lstm.h"
#include "dialects/Compute/IR/Stored.h"

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

enum Input { kInputScale = 8, kInputZero, kRecurrentScale, kRecurrentZero };
constexpr RecurrentForm kForm{4, {3, 4, 5, 6, 7}, kLstmActivations, /*isQuantized=*/true};

/// The scale and the zero point (a whole number, as f32) of 8 bits for numbers from `low` to
/// `high`; 0 is always among them.
struct Range {
  Range(const RegionBuilder &b, Value low, Value high) {
    Value zero = b.like(low, 0), most = b.like(low, 255);
    low = b.minimum(low, zero), high = b.maximum(high, zero);
    Value width = b.sub(high, low);
    Value isFlat = b.cmpF(arith::CmpFPredicate::OEQ, width, zero);
    scale = b.select(isFlat, b.like(low, 1), b.divF(width, most));
    Value position = b.minimum(b.maximum(b.divF(b.negate(low), scale), zero), most);
    zeroPoint = b.make<math::RoundEvenOp>(position);
  }

  /// The number that stands for `x`: a whole one from 0 to 255, as f32.
  Value number(const RegionBuilder &b, Value x) const {
    Value number = b.add(b.make<math::RoundEvenOp>(b.divF(x, scale)), zeroPoint);
    return b.minimum(b.maximum(number, b.like(x, 0)), b.like(x, 255));
  }

  Value scale, zeroPoint;
};

class QuantizedLstmExpansion : public LstmExpansion {
public:
  using LstmExpansion::LstmExpansion;

protected:
  Value projectInputs() override {
    SmallVector<AffineExpr> data = ctx.sizes(0);
    auto fold = [&](Combiner combiner) {
      return foldAxes(ctx, ctx.input(0), data, {0, 1, 2}, /*keepDims=*/false, combiner, work,
                      [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
    };
    Value low = fold(Combiner::Min), high = fold(Combiner::Max);
    Type byte = IntegerType::get(ctx.getContext(), 8, IntegerType::Unsigned);
    Type i32 = IntegerType::get(ctx.getContext(), 32);
    Value numbers = mapOver(ctx, data, byte, {ctx.input(0), low, high},
                            [&](const RegionBuilder &b, ArrayRef<Value> v) {
                              return b.convert(Range(b, v[1], v[2]).number(b, v[0]), work, byte);
                            });
    ByteOperand weights = inputWeights();
    AffineExpr step = ctx.dim(0), row = ctx.dim(1), column = ctx.dim(2), depth = ctx.dim(3);
    AffineExpr own = layer.columns();
    SmallVector<AffineExpr> at{step, row, depth};
    SmallVector<AffineExpr> sizes{layer.steps, layer.batch, own * layer.directions};
    if (layer.isBatchFirst)
      std::swap(at[0], at[1]);
    Value sum = compute::ContractOp::create(ctx.getBuilder(), ctx.getLoc(),
                                            extent::tensorType(sizes, i32), numbers, weights.tensor,
                                            ctx.access(4, at), ctx.access(4, {depth, column}),
                                            extent::sizesMap(ctx.getContext(), layer.width));
    // What the zero points make of the product: see ByteProduct.cpp.
    auto sumOver = [&](Value bytes, Type from, int64_t axis) {
      return foldAxes(
          ctx, bytes, extent::sizesOf(bytes), {axis}, /*keepDims=*/false, Combiner::Add, i32,
          [&](const RegionBuilder &b, ArrayRef<Value> v) { return b.convert(v[0], from, i32); });
    };
    Type weightType = cast<RankedTensorType>(weights.tensor.getType()).getElementType();
    access::MapAttr scalar = ctx.access(3, {});
    SmallVector<compute::Operand> operands{
        {sum, {}, {}},
        {low, scalar, {}},
        {high, scalar, {}},
        scaleOperand(kInputScale, column),
        {sumOver(weights.tensor, weightType, 0), ctx.access(3, column), {}}};
    bool hasZero = ctx.hasInput(kInputZero), movesRows = hasZero || weights.moved != 0;
    if (movesRows)
      operands.push_back({sumOver(numbers, byte, 2), ctx.access(3, ArrayRef(at).drop_back()), {}});
    if (hasZero)
      operands.push_back(scaleOperand(kInputZero, column));
    Value bias = inputBias();
    if (bias)
      operands.push_back({bias, ctx.access(3, column), {}});
    Type zeroType = hasZero ? ctx.elementType(kInputZero) : Type();
    return mapThrough(ctx, extent::tensorType(sizes, work), operands,
                      [&](const RegionBuilder &b, ArrayRef<Value> v) {
                        Range range(b, v[1], v[2]);
                        Value x = b.convert(range.zeroPoint, work, i32),
                              number = b.sub(v[0], b.mul(x, v[4]));
                        if (movesRows) {
                          Value y = b.integer(i32, weights.moved);
                          if (hasZero)
                            y = b.add(y, b.convert(v[6], zeroType, i32));
                          Value rows = b.sub(v[5], b.mul(x, sizeAsNumber(b, layer.width, i32)));
                          number = b.sub(number, b.mul(y, rows));
                        }
                        Value product =
                            b.mul(b.convert(number, i32, work), b.mul(range.scale, v[3]));
                        return bias ? b.add(product, v.back()) : product;
                      });
  }

  void prepare() override {
    ByteOperand weights = rightBytes(ctx, ctx.input(2));
    moved = weights.moved;
    Type i32 = IntegerType::get(ctx.getContext(), 32);
    Type byte = cast<RankedTensorType>(weights.tensor.getType()).getElementType();
    SmallVector<AffineExpr> sizes = ctx.sizes(2);
    weightSums = foldAxes(
        ctx, weights.tensor, sizes, {1}, /*keepDims=*/false, Combiner::Add, i32,
        [&](const RegionBuilder &b, ArrayRef<Value> v) { return b.convert(v[0], byte, i32); });
    // Panels of columns, which are read from their first element to their last. In them, four
    // depths of a column side by side. Behind the last depth and the last column are zeros.
    AffineExpr direction = ctx.dim(0), block = ctx.dim(2),
               column = ctx.dim(1) * kPanel + ctx.dim(3);
    SmallVector<compute::Operand> operands;
    auto fill = IntegerAttr::get(byte, 0);
    for (int64_t part = 0; part < kPacked; ++part) {
      AffineExpr depth = block * kPacked + part;
      access::MapAttr at = ctx.access(4, {direction, depth, column}, {depth, column},
                                      {layer.hidden, layer.columns()});
      operands.push_back({weights.tensor, at, fill});
    }
    sizes = {ctx.constantExpr(layer.directions), panels(), blocks(), ctx.constantExpr(kPanel)};
    recurrent = mapThrough(ctx, extent::tensorType(sizes, i32), operands,
                           [&](const RegionBuilder &b, ArrayRef<Value> v) {
                             SmallVector<Value> parts = llvm::map_to_vector(v, [&](Value each) {
                               return b.make<arith::AndIOp>(b.convert(each, byte, i32),
                                                            b.integer(i32, 255));
                             });
                             return packed(b, parts);
                           });
    for (Value each : {recurrent, weightSums})
      each.getDefiningOp()->setAttr(compute::kStoredAttr, UnitAttr::get(ctx.getContext()));
  }

  void allocate(const GridBuilder &b) override {
    Type i32 = b.builder().getI32Type();
    numbers = b.local(i32, {blocks() * kPacked});
    packs = b.local(i32, {blocks()});
    sums = b.local(i32, {panels(), ctx.constantExpr(kPanel)});
    if (blocks() * kPacked != layer.hidden)
      b.loop(b.size(layer.hidden), b.size(blocks() * kPacked),
             [&](Value k) { b.store(b.integer(i32, 0), numbers, {k}); });
  }

  void combine(const RecurrentPoint &point) override {
    forRows(point, [&](Value row) {
      Range range = quantizeRow(point, row);
      addProducts(point);
      scaleSums(point, range, row);
    });
  }

private:
  /// Depths in one number of 32 bits.
  static constexpr int64_t kPacked = 4;
  /// Numbers that are multiplied while a sum is at hand.
  static constexpr int64_t kBlocks = 8;

  /// Columns that lie side by side in memory.
  static constexpr int64_t kPanel = 128;

  AffineExpr panels() const { return layer.columns().ceilDiv(kPanel); }
  AffineExpr blocks() const { return layer.hidden.ceilDiv(kPacked); }

  /// Bytes, one in each of `parts`, in one number.
  static Value packed(const RegionBuilder &b, ArrayRef<Value> parts) {
    Value all = parts[0];
    for (auto [number, part] : llvm::enumerate(parts.drop_front())) {
      Value shift = b.integer(part.getType(), 8 * (number + 1));
      all = b.make<arith::OrIOp>(all, b.make<arith::ShLIOp>(part, shift));
    }
    return all;
  }

  /// Fills `packs` and `total` with the numbers that stand for a row of the state.
  Range quantizeRow(const RecurrentPoint &point, Value row) {
    const GridBuilder &b = point.b;
    Value vector = point.hidden;
    Type i32 = b.builder().getI32Type();
    Value zero = b.index(0), hidden = b.size(layer.hidden);
    GridBuilder::Values ends = b.loop(zero, hidden, {b.number(work, 0), b.number(work, 0)},
                                      [&](Value k, ValueRange carried) -> GridBuilder::Values {
                                        Value x = b.fetch(vector, {row, k});
                                        return {b.minimum(carried[0], x), b.maximum(carried[1], x)};
                                      });
    Range range(b, ends[0], ends[1]);
    b.loop(zero, hidden, [&](Value k) {
      Value number = range.number(b, b.fetch(vector, {row, k}));
      b.store(b.convert(number, work, i32), numbers, {k});
    });
    b.loop(zero, b.size(blocks()), [&](Value block) {
      SmallVector<Value> parts;
      for (int64_t part = 0; part < kPacked; ++part)
        parts.push_back(b.fetch(numbers, {b.add(b.mul(block, b.index(kPacked)), b.index(part))}));
      b.store(packed(b, parts), packs, {block});
    });
    if (movesWeights())
      total = b.loop(zero, hidden, {b.integer(i32, 0)},
                     [&](Value k, ValueRange carried) -> GridBuilder::Values {
                       return {b.add(carried[0], b.fetch(numbers, {k}))};
                     })[0];
    return range;
  }

  /// `sums`: the products of the bytes as they are.
  void addProducts(const RecurrentPoint &point) {
    const GridBuilder &b = point.b;
    Value zero = b.index(0), none = b.integer(b.builder().getI32Type(), 0);
    Value width = b.index(kPanel);
    auto accumulate = [&](Value panel, Value block, int64_t count) {
      SmallVector<Value> at, factors;
      for (int64_t part = 0; part < count; ++part) {
        at.push_back(b.add(block, b.index(part)));
        factors.push_back(b.fetch(packs, {at.back()}));
      }
      b.loop(zero, width, [&](Value j) {
        Value sum = b.fetch(sums, {panel, j});
        for (auto [depth, factor] : llvm::zip(at, factors))
          sum = b.make<compute::DotOp>(sum.getType(), factor,
                                       b.load(recurrent, {point.direction, panel, depth, j}), sum);
        b.store(sum, sums, {panel, j});
      });
    };
    AffineExpr whole = blocks().floorDiv(kBlocks);
    b.loop(zero, b.size(panels()), [&](Value panel) {
      b.loop(zero, width, [&](Value j) { b.store(none, sums, {panel, j}); });
      b.loop(zero, b.size(whole),
             [&](Value group) { accumulate(panel, b.mul(group, b.index(kBlocks)), kBlocks); });
      if (whole * kBlocks != blocks())
        b.loop(b.size(whole * kBlocks), b.size(blocks()),
               [&](Value block) { accumulate(panel, block, 1); });
    });
  }

  /// Adds `sums`, less what the zero points make of them (see ByteProduct.cpp), to the gates.
  void scaleSums(const RecurrentPoint &point, const Range &range, Value row) {
    const GridBuilder &b = point.b;
    Type i32 = b.builder().getI32Type();
    Value x = b.convert(range.zeroPoint, work, i32), rowSum;
    if (movesWeights())
      rowSum = b.sub(total, b.mul(x, sizeAsNumber(b, layer.hidden, i32)));
    auto scale = [&](Value panel, Value j) {
      Value column = b.add(b.mul(panel, b.index(kPanel)), j);
      auto parameter = [&](unsigned input) {
        SmallVector<Value> at{point.direction};
        if (ctx.rank(input) == 2)
          at.push_back(column);
        return b.load(ctx.input(input), at);
      };
      Value number =
          b.sub(b.fetch(sums, {panel, j}), b.mul(x, b.load(weightSums, {point.direction, column})));
      if (movesWeights()) {
        Value y = b.integer(i32, moved);
        if (ctx.hasInput(kRecurrentZero))
          y = b.add(y, b.convert(parameter(kRecurrentZero), ctx.elementType(kRecurrentZero), i32));
        number = b.sub(number, b.mul(y, rowSum));
      }
      Value scale = b.mul(range.scale, parameter(kRecurrentScale));
      Value product = b.mul(b.convert(number, i32, work), scale);
      b.store(b.add(b.fetch(point.gates, {row, column}), product), point.gates, {row, column});
    };
    AffineExpr whole = layer.columns().floorDiv(kPanel);
    Value zero = b.index(0);
    b.loop(zero, b.size(whole),
           [&](Value panel) { b.loop(zero, b.index(kPanel), [&](Value j) { scale(panel, j); }); });
    if (whole * kPanel != layer.columns())
      b.loop(zero, b.size(layer.columns() - whole * kPanel),
             [&](Value j) { scale(b.size(whole), j); });
  }

  bool movesWeights() const { return moved != 0 || ctx.hasInput(kRecurrentZero); }

  /// [width, directions * columns], as they are.
  ByteOperand inputWeights() {
    AffineExpr depth = ctx.dim(0), column = ctx.dim(1), own = layer.columns();
    compute::Operand weights{
        ctx.input(1), ctx.access(2, {column.floorDiv(own), depth, column % own}), {}};
    Value matrix = mapThrough(
        ctx, extent::tensorType({layer.width, own * layer.directions}, ctx.elementType(1)), weights,
        [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
    return rightBytes(ctx, matrix);
  }

  /// The scale of the weights of all directions' column `column`, in a domain of 3 dimensions.
  compute::Operand scaleOperand(unsigned input, AffineExpr column) {
    SmallVector<AffineExpr> at{column.floorDiv(layer.columns())};
    if (ctx.rank(input) == 2)
      at.push_back(column % layer.columns());
    return {ctx.input(input), ctx.access(3, at), {}};
  }

  int64_t moved = 0; // see ByteOperand
  Value weightSums;  // [directions, columns], over the depths
  Value numbers;     // a row of the state, quantized
  Value packs;       // the same, kPacked in one
  Value sums;        // [panels, kPanel]
  Value total;       // of `numbers`
};

LogicalResult checkQuantization(InferContext &ctx, unsigned weights, StringRef name, unsigned scale,
                                StringRef scaleName, unsigned zero, StringRef zeroName,
                                const RecurrentLayer &layer) {
  auto type = dyn_cast<IntegerType>(ctx.elementType(weights));
  if (!type || type.getWidth() != 8)
    return ctx.error() << "input '" << name << "' has elements of type " << ctx.elementType(weights)
                       << ", expected i8 or ui8";
  if (!ctx.hasInput(scale) || !ctx.elementType(scale).isF32())
    return ctx.error() << "input '" << scaleName << "' must be given, of type f32";
  if (ctx.hasInput(zero) && ctx.elementType(zero) != type)
    return ctx.error() << "inputs '" << name << "' and '" << zeroName << "' have elements of types "
                       << type << " and " << ctx.elementType(zero);
  SmallVector<AffineExpr> wanted{ctx.constantExpr(layer.directions), layer.columns()};
  for (unsigned input : {scale, zero}) {
    if (!ctx.hasInput(input))
      continue;
    StringRef own = input == scale ? scaleName : zeroName;
    if (ctx.rank(input) != 1 && ctx.rank(input) != 2)
      return ctx.error() << "input '" << own << "' has " << ctx.rank(input)
                         << " dimensions, expected 1 or 2";
    for (auto [size, other] : llvm::zip(ctx.sizes(input), wanted))
      if (failed(requireEqualSizes(ctx, size, other,
                                   "the sizes of input '" + own + "' and of the weights")))
        return failure();
  }
  return success();
}

LogicalResult infer(InferContext &ctx) {
  if (!ctx.elementType(0).isF32())
    return ctx.error() << "input 'X' has elements of type " << ctx.elementType(0)
                       << ", expected f32";
  FailureOr<RecurrentLayer> layer = recurrentLayer(ctx, kForm);
  if (failed(layer) ||
      failed(checkQuantization(ctx, 1, "W", kInputScale, "W_scale", kInputZero, "W_zero_point",
                               *layer)) ||
      failed(checkQuantization(ctx, 2, "R", kRecurrentScale, "R_scale", kRecurrentZero,
                               "R_zero_point", *layer)))
    return failure();
  return inferRecurrent(ctx, kForm);
}

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<RecurrentLayer> layer = recurrentLayer(ctx, kForm);
  if (failed(layer))
    return failure();
  QuantizedLstmExpansion(ctx, kForm, *layer).run();
  return success();
}

} // namespace

void registerQuantizedLstm(Registry &registry) {
  registry.add({"com.microsoft", "DynamicQuantizeLSTM", 1, infer, expand, 3});
}

} // namespace longtail::operators
