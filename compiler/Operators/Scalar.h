// Emission of scalar code inside regions. All helpers take and give values of compute types.
#pragma once
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace longtail::operators {

/// How Cast rounds to the 8-bit type that has only an exponent.
enum class RoundMode { Up, Down, Nearest };

class Scalar {
public:
  Scalar(mlir::OpBuilder &builder, mlir::Location loc) : b(builder), loc(loc) {}

  /// A constant of an integer, index or floating-point type.
  mlir::Value constant(mlir::Type type, double value) const;
  mlir::Value integer(mlir::Type type, int64_t value) const;
  mlir::Value index(int64_t value) const { return integer(b.getIndexType(), value); }
  /// A floating-point constant of the type of `like`.
  mlir::Value like(mlir::Value like, double value) const { return constant(like.getType(), value); }

  /// f16 and bf16 as f32; others as they are.
  mlir::Value widen(mlir::Value value) const;
  /// Back to `type`, rounded to the nearest.
  mlir::Value narrow(mlir::Value value, mlir::Type type) const;

  // Arithmetic on two values of one type, integer or floating-point.
  mlir::Value add(mlir::Value x, mlir::Value y) const;
  mlir::Value sub(mlir::Value x, mlir::Value y) const;
  mlir::Value mul(mlir::Value x, mlir::Value y) const;
  mlir::Value divF(mlir::Value x, mlir::Value y) const { return make<mlir::arith::DivFOp>(x, y); }
  /// NaN wins; integers by sign.
  mlir::Value maximum(mlir::Value x, mlir::Value y, bool isUnsigned = false) const;
  mlir::Value minimum(mlir::Value x, mlir::Value y, bool isUnsigned = false) const;
  mlir::Value negate(mlir::Value x) const;
  mlir::Value absolute(mlir::Value x) const;
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) const {
    return make<mlir::arith::SelectOp>(condition, x, y);
  }
  mlir::Value cmpF(mlir::arith::CmpFPredicate predicate, mlir::Value x, mlir::Value y) const {
    return make<mlir::arith::CmpFOp>(predicate, x, y);
  }
  mlir::Value cmpI(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y) const {
    return make<mlir::arith::CmpIOp>(predicate, x, y);
  }
  mlir::Value isNaN(mlir::Value x) const { return cmpF(mlir::arith::CmpFPredicate::UNO, x, x); }

  /// An operation built from its operands.
  template <typename Op, typename... Args> mlir::Value make(Args &&...args) const {
    return Op::create(b, loc, std::forward<Args>(args)...).getResult();
  }

  /// `value` of element type `from` as element type `to` by the rules of ONNX Cast for numbers. The
  /// element types carry the signs. `saturate` and `mode` are for the types of 8 bits and less.
  mlir::Value convert(mlir::Value value, mlir::Type from, mlir::Type to, bool saturate = true,
                      RoundMode mode = RoundMode::Up) const;

  mlir::OpBuilder &builder() const { return b; }
  mlir::Location location() const { return loc; }

private:
  mlir::Value floatToInt(mlir::Value value, mlir::IntegerType to, bool isUnsigned) const;
  mlir::Value narrowToF32(mlir::Value value) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// True for the floating-point types of 8 and 4 bits, which regions only see as storage.
bool isTinyFloat(mlir::Type type);
/// A tiny floating-point number as f32, exactly.
mlir::Value decodeTinyFloat(const Scalar &scalar, mlir::Value value);
/// An f32 as the tiny type `to`. Without `saturate`, what is out of range becomes infinite where
/// the type can say so and NaN elsewhere.
mlir::Value encodeTinyFloat(const Scalar &scalar, mlir::Value value, mlir::Type to, bool saturate,
                            RoundMode mode);

} // namespace longtail::operators
