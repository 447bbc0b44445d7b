// Random programs of views, maps, reductions and contractions mean the same after the passes that
// compose accesses and form groups.
#include "Interpreter.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Access/Passes.h"
#include "passes/Fusion/Passes.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace longtail;
using namespace longtail::test;

namespace {

class ProgramBuilder {
public:
  ProgramBuilder(MLIRContext *context, uint64_t seed) : builder(context), random(seed) {}

  OwningOpRef<ModuleOp> build() {
    Location loc = builder.getUnknownLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    builder.setInsertionPointToStart(module->getBody());
    SmallVector<Type> types{tensor({4, 6}), tensor({6, 4}), tensor({6}), tensor({2, 3, 4})};
    auto function = func::FuncOp::create(builder, loc, "f", builder.getFunctionType(types, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    values.assign(function.getArguments().begin(), function.getArguments().end());
    for (int64_t i = 0, count = pick(1, 24); i < count; ++i)
      addOperation();
    // The last value, and a few others.
    SmallVector<Value> results{values.back()};
    for (int64_t i = 0, count = pick(0, 2); i < count; ++i)
      results.push_back(any());
    func::ReturnOp::create(builder, loc, results);
    function.setType(builder.getFunctionType(types, ValueRange(results).getTypes()));
    return module;
  }

private:
  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }
  /// A value, recent ones more often.
  Value any() {
    int64_t back =
        std::min<int64_t>(std::geometric_distribution<int64_t>(0.3)(random), values.size() - 1);
    return values[values.size() - 1 - back];
  }
  Value anyLike(Value other) {
    SmallVector<Value> fitting;
    for (Value value : values)
      if (value.getType() == other.getType())
        fitting.push_back(value);
    return fitting[pick(0, fitting.size() - 1)];
  }
  static SmallVector<int64_t> sizes(Value value) {
    return SmallVector<int64_t>(cast<RankedTensorType>(value.getType()).getShape());
  }
  RankedTensorType tensor(ArrayRef<int64_t> sizes) {
    return RankedTensorType::get(sizes, builder.getF32Type());
  }
  AffineExpr dim(unsigned i) { return builder.getAffineDimExpr(i); }
  SmallVector<AffineExpr> identity(size_t rank) {
    SmallVector<AffineExpr> exprs;
    for (size_t i = 0; i < rank; ++i)
      exprs.push_back(dim(i));
    return exprs;
  }
  access::MapAttr access(unsigned rank, ArrayRef<AffineExpr> indices,
                         ArrayRef<AffineExpr> valid = {}, ArrayRef<AffineExpr> below = {}) {
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(rank, 0, exprs, builder.getContext());
    };
    if (valid.empty())
      return access::MapAttr::get(builder.getContext(), map(indices), {}, {});
    return access::MapAttr::get(builder.getContext(), map(indices), map(valid), map(below));
  }

  void addRead(Value source, ArrayRef<int64_t> result, access::MapAttr map, TypedAttr fill = {}) {
    values.push_back(access::ReadOp::create(builder, builder.getUnknownLoc(), tensor(result),
                                            source, map, fill));
  }

  void addView() {
    Value source = any();
    SmallVector<int64_t> shape = sizes(source);
    unsigned rank = shape.size();
    if (rank == 0)
      return;
    SmallVector<AffineExpr> indices = identity(rank);
    unsigned at = pick(0, rank - 1);
    switch (pick(0, 5)) {
    case 0: { // transpose
      auto order = llvm::to_vector(llvm::seq<unsigned>(0, rank));
      std::shuffle(order.begin(), order.end(), random);
      SmallVector<int64_t> result;
      for (auto [position, old] : llvm::enumerate(order)) {
        indices[old] = dim(position);
        result.push_back(shape[old]);
      }
      return addRead(source, result, access(rank, indices));
    }
    case 1: // flip
      indices[at] = shape[at] - 1 - dim(at);
      return addRead(source, shape, access(rank, indices));
    case 2: { // pad
      indices[at] = dim(at) - 1;
      AffineExpr size = builder.getAffineConstantExpr(shape[at]);
      shape[at] += 2;
      return addRead(source, shape, access(rank, indices, {indices[at]}, {size}),
                     builder.getF32FloatAttr(pick(0, 1)));
    }
    case 3: // crop
      if (shape[at] < 3)
        return;
      indices[at] = dim(at) + 1;
      shape[at] -= 2;
      return addRead(source, shape, access(rank, indices));
    case 4: { // flatten
      int64_t count = 1;
      for (size_t i = rank; i-- > 0; count *= shape[i])
        indices[i] = dim(0).floorDiv(count) % shape[i];
      return addRead(source, {count}, access(1, indices));
    }
    default: // split
      if (shape[at] % 2 != 0 || rank > 3)
        return;
      for (unsigned i = at; i < rank; ++i)
        indices[i] = i == at ? dim(at) * 2 + dim(at + 1) : dim(i + 1);
      shape[at] /= 2;
      shape.insert(shape.begin() + at + 1, 2);
      return addRead(source, shape, access(rank + 1, indices));
    }
  }

  Value work(OpBuilder &body, ValueRange in) {
    Location loc = builder.getUnknownLoc();
    if (in.size() > 1 && pick(0, 1))
      return arith::SubFOp::create(body, loc, in[0], in[1]);
    if (in.size() > 1)
      return arith::MulFOp::create(body, loc, in[0], in[1]);
    if (pick(0, 3) == 0)
      return in[0];
    Value two = arith::ConstantOp::create(body, loc, builder.getF32FloatAttr(2));
    return arith::AddFOp::create(body, loc, in[0], two);
  }

  /// `value` read in a domain of `shape`: as it is, or along dimensions of its sizes.
  std::optional<compute::Operand> operandIn(ArrayRef<int64_t> shape, Value value) {
    SmallVector<AffineExpr> indices;
    unsigned next = 0;
    for (int64_t size : sizes(value)) {
      while (next < shape.size() && shape[next] != size)
        ++next;
      if (next == shape.size())
        return std::nullopt;
      indices.push_back(dim(next++));
    }
    return compute::Operand{value, access(shape.size(), indices), {}};
  }

  void addMap() {
    Value first = any();
    SmallVector<int64_t> shape = sizes(first);
    SmallVector<compute::Operand> operands{*operandIn(shape, first)};
    for (Value other : {anyLike(first), any()})
      if (pick(0, 1))
        if (auto operand = operandIn(shape, other))
          operands.push_back(*operand);
    bool load = pick(0, 5) == 0;
    Value table = any();
    auto map = compute::buildMap(
        builder, builder.getUnknownLoc(), tensor(shape), operands,
        [&](OpBuilder &body, ValueRange in) -> SmallVector<Value> {
          Value result = work(body, in);
          if (!load || sizes(table).size() != 1 || shape.empty() || sizes(table)[0] < shape[0])
            return {result};
          Value index =
              compute::IndexOp::create(body, builder.getUnknownLoc(), builder.getIndexType(), 0);
          Value loaded = access::LoadOp::create(body, builder.getUnknownLoc(), builder.getF32Type(),
                                                table, ValueRange{index}, false);
          return {arith::AddFOp::create(body, builder.getUnknownLoc(), result, loaded)};
        });
    values.push_back(map.getResult(0));
  }

  void addReduce() {
    Value source = any();
    SmallVector<int64_t> shape = sizes(source), parallel;
    if (shape.empty())
      return;
    // One dimension is folded; it is the last of the domain.
    unsigned folded = pick(0, shape.size() - 1), next = 0;
    SmallVector<AffineExpr> indices;
    for (unsigned i = 0; i < shape.size(); ++i) {
      indices.push_back(i == folded ? dim(shape.size() - 1) : dim(next++));
      if (i != folded)
        parallel.push_back(shape[i]);
    }
    auto combiner = pick(0, 1) ? compute::Combiner::Add : compute::Combiner::Max;
    auto reduce = compute::buildReduce(
        builder, builder.getUnknownLoc(), tensor(parallel), combiner,
        {builder.getAffineConstantExpr(shape[folded])},
        {compute::Operand{source, access(shape.size(), indices), {}}},
        [&](OpBuilder &body, ValueRange in) -> SmallVector<Value> { return {work(body, in)}; });
    values.push_back(reduce.getOutput());
  }

  void addContract() {
    Value lhs = any(), rhs = any();
    SmallVector<int64_t> left = sizes(lhs), right = sizes(rhs);
    if (left.empty() || right.empty() || left.size() + right.size() > 5 ||
        left.back() != right.back())
      return;
    // Rows of the left operand, then of the right; the last dimensions are folded.
    unsigned rank = left.size() + right.size() - 1;
    SmallVector<int64_t> shape(ArrayRef(left).drop_back());
    llvm::append_range(shape, ArrayRef(right).drop_back());
    SmallVector<AffineExpr> leftIndices = identity(left.size()), rightIndices;
    leftIndices.back() = dim(rank - 1);
    for (unsigned i = 0; i < right.size(); ++i)
      rightIndices.push_back(dim(left.size() - 1 + i));
    values.push_back(compute::ContractOp::create(
        builder, builder.getUnknownLoc(), tensor(shape), lhs, rhs, access(rank, leftIndices),
        access(rank, rightIndices),
        AffineMapAttr::get(AffineMap::get(0, 0, builder.getAffineConstantExpr(left.back())))));
  }

  void addConcat() {
    Value first = any();
    SmallVector<int64_t> shape = sizes(first);
    if (shape.empty())
      return;
    unsigned axis = pick(0, shape.size() - 1);
    shape[axis] *= 2;
    values.push_back(access::ConcatOp::create(builder, builder.getUnknownLoc(), tensor(shape),
                                              ValueRange{first, anyLike(first)}, axis));
  }

  void addOperation() {
    int64_t count = 1;
    for (int64_t size : sizes(values.back()))
      count *= size;
    if (count > 400) // begin again with something small
      values.push_back(values[pick(0, 3)]);
    switch (pick(0, 9)) {
    case 0:
    case 1:
    case 2:
      return addView();
    case 3:
    case 4:
    case 5:
      return addMap();
    case 6:
    case 7:
      return addReduce();
    case 8:
      return addContract();
    default:
      return addConcat();
    }
  }

  OpBuilder builder;
  std::mt19937_64 random;
  SmallVector<Value> values;
};

/// True where computing `value` needs the result of a reduction of its group.
bool needsReduction(Value value) {
  Operation *op = value.getDefiningOp();
  return op && (isa<compute::ReduceOp>(op) || llvm::any_of(op->getOperands(), needsReduction));
}

/// What the lowering of each class relies on.
void checkShape(compute::FusedOp group) {
  Block &body = group.getBody().front();
  auto contracts = llvm::to_vector(body.getOps<compute::ContractOp>());
  auto reduces = llvm::to_vector(body.getOps<compute::ReduceOp>());
  auto shapeOf = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
  ArrayRef<int64_t> shape;
  switch (*group.getStrategy()) {
  case compute::GroupClass::Grid:
    FAIL() << "no grid is generated";
  case compute::GroupClass::Contraction:
    ASSERT_EQ(contracts.size(), 1u);
    EXPECT_TRUE(reduces.empty());
    EXPECT_TRUE(isa<BlockArgument>(contracts[0].getLhs()));
    EXPECT_TRUE(isa<BlockArgument>(contracts[0].getRhs()));
    shape = shapeOf(contracts[0].getOutput());
    break;
  case compute::GroupClass::Window:
    EXPECT_TRUE(contracts.empty());
    ASSERT_EQ(reduces.size(), 1u);
    shape = shapeOf(reduces[0].getOutput());
    break;
  case compute::GroupClass::Rows:
    EXPECT_TRUE(contracts.empty());
    ASSERT_FALSE(reduces.empty());
    for (compute::ReduceOp reduce : reduces)
      EXPECT_EQ(shapeOf(reduce.getOutput()), shapeOf(reduces[0].getOutput()));
    for (Value value : body.getTerminator()->getOperands())
      EXPECT_TRUE(needsReduction(value));
    return;
  case compute::GroupClass::Pointwise:
    EXPECT_TRUE(contracts.empty() && reduces.empty());
    shape = shapeOf(group.getResult(0));
    break;
  }
  for (Value result : group.getResults())
    EXPECT_EQ(shapeOf(result), shape);
  group.getBody().walk([](access::LoadOp load) { // what is loaded from is in memory
    EXPECT_TRUE(isa<BlockArgument>(load.getSource()));
  });
}

class EquivalenceTest : public testing::TestWithParam<bool> {
protected:
  EquivalenceTest() {
    context.loadDialect<access::AccessDialect, compute::ComputeDialect, extent::ExtentDialect,
                        arith::ArithDialect, func::FuncDialect>();
  }

  static std::vector<Tensor> run(ModuleOp module) {
    auto function = *module.getOps<func::FuncOp>().begin();
    std::vector<Tensor> arguments;
    std::mt19937_64 random(5);
    for (Type type : function.getArgumentTypes()) {
      Tensor tensor{cast<RankedTensorType>(type).getShape().vec(), {}};
      // Small integers: sums and products are exact in any order.
      for (int64_t i = 0; i < cast<RankedTensorType>(type).getNumElements(); ++i)
        tensor.values.push_back(int64_t(random() % 5) - 2);
      arguments.push_back(tensor);
    }
    return interpret(function, arguments);
  }

  MLIRContext context;
};

TEST_P(EquivalenceTest, RandomPrograms) {
  unsigned groups = 0, operations = 0;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    OwningOpRef<ModuleOp> module = ProgramBuilder(&context, seed).build();
    ASSERT_TRUE(succeeded(verify(*module))) << "seed " << seed;
    std::vector<Tensor> expected = run(*module);
    PassManager manager(&context);
    OpPassManager &passes = manager.nest<func::FuncOp>();
    passes.addPass(createComposeAccessesPass());
    passes.addPass(createLowerConcatPass());
    passes.addPass(createComposeAccessesPass());
    FormGroupsPassOptions options;
    options.fuse = GetParam();
    passes.addPass(createFormGroupsPass(options));
    ASSERT_TRUE(succeeded(manager.run(*module))) << "seed " << seed;
    module->walk([&](compute::FusedOp group) {
      ++groups;
      checkShape(group);
      operations += llvm::range_size(group.getBody().front().without_terminator());
    });
    std::vector<Tensor> actual = run(*module);
    ASSERT_EQ(expected.size(), actual.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(expected[i].sizes, actual[i].sizes) << "seed " << seed;
      ASSERT_EQ(expected[i].values, actual[i].values) << "seed " << seed;
    }
    if (HasFailure())
      return;
  }
  EXPECT_GT(groups, 1000u);
  if (GetParam())
    EXPECT_GT(operations, groups + groups / 4); // something was fused
  else
    EXPECT_EQ(operations, groups);
}

INSTANTIATE_TEST_SUITE_P(FusedAndNaive, EquivalenceTest, testing::Bool());

} // namespace
