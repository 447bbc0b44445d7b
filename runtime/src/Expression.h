// Shape expressions: postfix programs over int64.
#pragma once
#include "Error.h"
#include "Model.h"

namespace longtail::runtime {

// Checks opcodes, operands and the stack; sets `symbolLimit`. `index` is for messages.
lt_rc verifyExpression(Expression &expr, uint32_t symbolCount, uint32_t index, lt_error *error);

// Evaluates a verified expression. Overflow and division by zero are LT_ERR_SHAPE; `what` says in
// the message what was being computed.
lt_rc evaluate(const Expression &expr, const int64_t *symbols, int64_t &value, const char *what,
               lt_error *error);

} // namespace longtail::runtime
