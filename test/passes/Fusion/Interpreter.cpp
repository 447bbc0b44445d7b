#include "Interpreter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace longtail::test {
namespace {

using Point = std::vector<int64_t>;

int64_t evaluate(AffineExpr expr, const Point &dims) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims.at(dim.getPosition());
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t a = evaluate(binary.getLHS(), dims), b = evaluate(binary.getRHS(), dims);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return a + b;
  case AffineExprKind::Mul:
    return a * b;
  case AffineExprKind::Mod:
    return llvm::mod(a, b);
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(a, b);
  default:
    return llvm::divideCeilSigned(a, b);
  }
}

double numberOf(Attribute attribute) {
  if (auto floating = dyn_cast<FloatAttr>(attribute))
    return floating.getValueAsDouble();
  return cast<IntegerAttr>(attribute).getInt();
}

int64_t offsetOf(const Tensor &tensor, const Point &index) {
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) {
    EXPECT_TRUE(index[i] >= 0 && index[i] < tensor.sizes[i]) << "index " << index[i];
    offset = offset * tensor.sizes[i] + index[i];
  }
  return offset;
}

template <typename Body> void forEach(const std::vector<int64_t> &sizes, Body body) {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  for (int64_t flat = 0; flat < count; ++flat) {
    Point point(sizes.size());
    int64_t rest = flat;
    for (size_t i = sizes.size(); i-- > 0; rest /= sizes[i])
      point[i] = rest % sizes[i];
    body(point);
  }
}

class Interpreter {
public:
  std::vector<Tensor> run(Block &block, std::vector<Tensor> arguments) {
    for (auto [argument, tensor] : llvm::zip(block.getArguments(), arguments))
      tensors[argument] = tensor;
    for (Operation &op : block.without_terminator())
      execute(&op);
    std::vector<Tensor> results;
    for (Value value : block.getTerminator()->getOperands())
      results.push_back(tensors.at(value));
    return results;
  }

private:
  static std::vector<int64_t> sizesOf(Value value) {
    return cast<RankedTensorType>(value.getType()).getShape().vec();
  }

  double read(Value source, access::MapAttr access, Attribute fill, const Point &point) {
    if (!access.isTotal())
      for (auto [valid, below] :
           llvm::zip(access.getValid().getResults(), access.getBelow().getResults())) {
        int64_t value = evaluate(valid, point);
        if (value < 0 || value >= evaluate(below, point))
          return fill ? numberOf(fill) : 0;
      }
    Point index;
    for (AffineExpr expr : access.getMap().getResults())
      index.push_back(evaluate(expr, point));
    const Tensor &tensor = tensors.at(source);
    return tensor.values.at(offsetOf(tensor, index));
  }

  /// What a region yields at `point`.
  std::vector<double> body(Operation *op, const Point &point) {
    Block &block = op->getRegion(0).front();
    auto accesses = op->getAttrOfType<ArrayAttr>("accesses");
    auto fills = op->getAttrOfType<ArrayAttr>("fills");
    for (auto [i, argument] : llvm::enumerate(block.getArguments()))
      scalars[argument] =
          read(op->getOperand(i), cast<access::MapAttr>(accesses[i]), fills[i], point);
    for (Operation &inner : block.without_terminator())
      scalars[inner.getResult(0)] = scalar(&inner, point);
    std::vector<double> results;
    for (Value value : block.getTerminator()->getOperands())
      results.push_back(scalars.at(value));
    return results;
  }

  double scalar(Operation *op, const Point &point) {
    auto in = [&](unsigned i) { return scalars.at(op->getOperand(i)); };
    return llvm::TypeSwitch<Operation *, double>(op)
        .Case([&](arith::ConstantOp constant) { return numberOf(constant.getValue()); })
        .Case([&](compute::IndexOp index) { return point.at(index.getDim()); })
        .Case([&](compute::ScaleOp scale) {
          double factor = scale.coefficientAt(point.at(scale.getRow()), point.at(scale.getColumn()))
                              .getValueAsDouble();
          return factor == 0 ? 0 : factor * in(0);
        })
        .Case([&](extent::SizeOp size) { return evaluate(size.getSize().getResult(0), {}); })
        .Case([&](access::LoadOp load) {
          Point index;
          for (Value value : load.getIndices())
            index.push_back(scalars.at(value));
          const Tensor &tensor = tensors.at(load.getSource());
          return tensor.values.at(offsetOf(tensor, index));
        })
        .Case<arith::AddFOp, arith::AddIOp>([&](auto) { return in(0) + in(1); })
        .Case<arith::SubFOp, arith::SubIOp>([&](auto) { return in(0) - in(1); })
        .Case<arith::MulFOp, arith::MulIOp>([&](auto) { return in(0) * in(1); })
        .Case([&](arith::NegFOp) { return -in(0); })
        .Case([&](arith::MaximumFOp) { return std::max(in(0), in(1)); })
        .Case<arith::DivUIOp, arith::DivSIOp>([&](auto) { return int64_t(in(0)) / int64_t(in(1)); })
        .Case([&](arith::RemUIOp) { return int64_t(in(0)) % int64_t(in(1)); })
        .Case([&](arith::SelectOp) { return in(0) != 0 ? in(1) : in(2); })
        .Case([&](arith::CmpIOp compare) {
          EXPECT_EQ(compare.getPredicate(), arith::CmpIPredicate::slt);
          return in(0) < in(1);
        })
        .Default([&](Operation *other) {
          ADD_FAILURE() << "no meaning for " << other->getName().getStringRef().str();
          return 0.0;
        });
  }

  /// Folds `element` over the reduction dimensions at every point of the result.
  Tensor fold(Value result, AffineMap extents, compute::Combiner combiner,
              llvm::function_ref<double(const Point &)> element) {
    std::vector<int64_t> reduced;
    for (AffineExpr extent : extents.getResults())
      reduced.push_back(evaluate(extent, {}));
    Tensor tensor{sizesOf(result), {}};
    forEach(tensor.sizes, [&](const Point &outer) {
      bool isMax = combiner == compute::Combiner::Max;
      EXPECT_TRUE(isMax || combiner == compute::Combiner::Add);
      double sum = isMax ? -std::numeric_limits<double>::infinity() : 0;
      forEach(reduced, [&](const Point &inner) {
        Point point = outer;
        point.insert(point.end(), inner.begin(), inner.end());
        double value = element(point);
        sum = isMax ? std::max(sum, value) : sum + value;
      });
      tensor.values.push_back(sum);
    });
    return tensor;
  }

  void execute(Operation *op) {
    if (auto fused = dyn_cast<compute::FusedOp>(op)) {
      std::vector<Tensor> inputs;
      for (Value input : fused.getInputs())
        inputs.push_back(tensors.at(input));
      // A new interpreter: a group sees its inputs only.
      std::vector<Tensor> results = Interpreter().run(fused.getBody().front(), inputs);
      for (auto [result, tensor] : llvm::zip(fused.getResults(), results))
        tensors[result] = tensor;
    } else if (auto map = dyn_cast<compute::MapOp>(op)) {
      for (Value result : map.getResults())
        tensors[result] = {sizesOf(result), {}};
      forEach(sizesOf(map.getResult(0)), [&](const Point &point) {
        for (auto [result, value] : llvm::zip(map.getResults(), body(map, point)))
          tensors[result].values.push_back(value);
      });
    } else if (auto reduce = dyn_cast<compute::ReduceOp>(op)) {
      tensors[reduce.getOutput()] =
          fold(reduce.getOutput(), reduce.getExtents(), reduce.getCombiner(),
               [&](const Point &point) { return body(reduce, point)[0]; });
    } else if (auto contract = dyn_cast<compute::ContractOp>(op)) {
      tensors[contract.getOutput()] =
          fold(contract.getOutput(), contract.getExtents(), compute::Combiner::Add,
               [&](const Point &point) {
                 return read(contract.getLhs(), contract.getLhsMap(), {}, point) *
                        read(contract.getRhs(), contract.getRhsMap(), {}, point);
               });
    } else if (auto view = dyn_cast<access::ReadOp>(op)) {
      Tensor tensor{sizesOf(view.getResult()), {}};
      forEach(tensor.sizes, [&](const Point &point) {
        tensor.values.push_back(read(view.getSource(), view.getMap(), view.getFillAttr(), point));
      });
      tensors[view.getResult()] = tensor;
    } else if (auto concat = dyn_cast<access::ConcatOp>(op)) {
      Tensor tensor{sizesOf(concat.getResult()), {}};
      forEach(tensor.sizes, [&](Point point) {
        size_t piece = 0;
        int64_t &position = point[concat.getAxis()];
        while (position >= tensors.at(concat.getSources()[piece]).sizes[concat.getAxis()])
          position -= tensors.at(concat.getSources()[piece++]).sizes[concat.getAxis()];
        const Tensor &source = tensors.at(concat.getSources()[piece]);
        tensor.values.push_back(source.values.at(offsetOf(source, point)));
      });
      tensors[concat.getResult()] = tensor;
    } else {
      ADD_FAILURE() << "no meaning for " << op->getName().getStringRef().str();
    }
  }

  llvm::DenseMap<Value, Tensor> tensors;
  llvm::DenseMap<Value, double> scalars;
};

} // namespace

std::vector<Tensor> interpret(func::FuncOp function, std::vector<Tensor> arguments) {
  return Interpreter().run(function.getBody().front(), std::move(arguments));
}

} // namespace longtail::test
