// Numbers as decimal text and back. The C library's conversions round correctly; they see and give
// no decimal point here, because its character depends on the process's locale.
#include "Text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

using namespace longtail::runtime;

uint32_t longtail::runtime::formatInteger(int64_t value, bool isUnsigned, char *out) {
  return static_cast<uint32_t>(
      isUnsigned ? snprintf(out, kNumberBytes, "%llu", static_cast<unsigned long long>(value))
                 : snprintf(out, kNumberBytes, "%lld", static_cast<long long>(value)));
}

namespace {

// A floating-point type: its significant bits, the exponent of its least normal number, how many
// decimal digits tell any two of its numbers apart, and from where on NumPy writes an exponent.
struct FloatFormat {
  int precision, minExponent, digits;
  double large;
};
constexpr FloatFormat kFormats[] = {
    {53, -1022, 17, 1e16}, {24, -126, 9, 1e6}, {11, -14, 5, 1e3}, {8, -126, 4, 1e6}};

// The number of the type that is nearest to `value`, ties to even; `value` is finite.
double roundTo(const FloatFormat &format, double value) {
  if (format.precision == 53 || value == 0)
    return value;
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  int exponent = static_cast<int>(bits >> 52 & 2047) - 1023;
  // The distance of neighbours, as a power of two.
  int unit = (exponent < format.minExponent ? format.minExponent : exponent) - format.precision + 1;
  uint64_t magicBits = static_cast<uint64_t>(unit + 52 + 1023) << 52;
  double magic; // neighbours of numbers from `magic` on are one unit apart
  memcpy(&magic, &magicBits, sizeof magic);
  volatile double sum = (value < 0 ? -value : value) + magic;
  double rounded = sum - magic;
  return value < 0 ? -rounded : rounded;
}

// Decimal digits without the point, and the exponent of the first.
struct Decimal {
  char digits[20];
  int count;
  int exponent;
};

Decimal toDigits(double magnitude, int count) {
  char text[48];
  snprintf(text, sizeof text, "%.*e", count - 1, magnitude);
  Decimal result = {};
  const char *at = text;
  for (; *at && *at != 'e'; ++at)
    if (*at >= '0' && *at <= '9' && result.count < count)
      result.digits[result.count++] = *at;
  result.exponent = *at == 'e' ? static_cast<int>(strtol(at + 1, nullptr, 10)) : 0;
  return result;
}

double fromDigits(const char *digits, int count, int exponent) {
  char text[48];
  snprintf(text, sizeof text, "%.*se%d", count, digits, exponent - count + 1);
  return strtod(text, nullptr);
}

} // namespace

uint32_t longtail::runtime::formatFloat(double value, uint32_t kind, char *out) {
  const FloatFormat &format = kFormats[kind < 4 ? kind : 0];
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  char *at = out;
  if (value != value)
    return static_cast<uint32_t>(snprintf(out, kNumberBytes, "nan"));
  if (bits >> 63)
    *at++ = '-';
  double magnitude = value < 0 ? -value : value;
  if (magnitude > 1.7976931348623157e308)
    return static_cast<uint32_t>(at - out + snprintf(at, 8, "inf"));
  Decimal decimal = {{'0'}, 1, 0};
  if (magnitude > 0)
    for (int count = 1; count <= format.digits; ++count) {
      decimal = toDigits(magnitude, count);
      if (roundTo(format, fromDigits(decimal.digits, decimal.count, decimal.exponent)) == magnitude)
        break;
    }
  while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0')
    --decimal.count;
  int count = decimal.count, exponent = decimal.exponent;
  if ((magnitude > 0 && magnitude < 1e-4) || magnitude >= format.large) {
    *at++ = decimal.digits[0];
    if (count > 1) {
      *at++ = '.';
      memcpy(at, decimal.digits + 1, static_cast<size_t>(count - 1));
      at += count - 1;
    }
    return static_cast<uint32_t>(
        at - out +
        snprintf(at, 8, "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent));
  }
  // At least one digit on both sides of the point.
  for (int i = exponent < 0 ? exponent : 0; i < count || i < exponent + 2; ++i) {
    if (i == exponent + 1)
      *at++ = '.';
    *at++ = i >= 0 && i < count ? decimal.digits[i] : '0';
  }
  return static_cast<uint32_t>(at - out);
}

// ---- parsing -----------------------------------------------------------------------------------

static bool isBlank(uint8_t byte) { return byte == ' ' || (byte >= 9 && byte <= 13); }
static bool isDigit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

static TextView trim(TextView text) {
  while (text.size > 0 && isBlank(text.bytes[0])) {
    ++text.bytes;
    --text.size;
  }
  while (text.size > 0 && isBlank(text.bytes[text.size - 1]))
    --text.size;
  return text;
}

static bool takeSign(TextView &text) {
  bool sign = text.size > 0 && (text.bytes[0] == '+' || text.bytes[0] == '-');
  bool negative = sign && text.bytes[0] == '-';
  text.bytes += sign;
  text.size -= sign;
  return negative;
}

// `word` is in lower case.
static bool isWord(TextView text, const char *word) {
  uint64_t length = strlen(word);
  bool same = text.size == length;
  for (uint64_t i = 0; same && i < length; ++i)
    same = (text.bytes[i] | 0x20) == word[i];
  return same;
}

bool longtail::runtime::parseInteger(TextView text, uint32_t bits, bool isUnsigned,
                                     int64_t &value) {
  text = trim(text);
  bool negative = takeSign(text);
  if (text.size == 0 || bits < 1 || bits > 64)
    return false;
  uint64_t magnitude = 0;
  for (uint64_t i = 0; i < text.size; ++i)
    if (!isDigit(text.bytes[i]) || __builtin_mul_overflow(magnitude, uint64_t{10}, &magnitude) ||
        __builtin_add_overflow(magnitude, uint64_t{text.bytes[i]} - '0', &magnitude))
      return false;
  uint64_t most =
      isUnsigned ? ~uint64_t{0} >> (64 - bits) : (uint64_t{1} << (bits - 1)) - !negative;
  if (isUnsigned && negative)
    most = 0;
  value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return magnitude <= most;
}

bool longtail::runtime::parseFloat(TextView text, double &value) {
  text = trim(text);
  bool negative = takeSign(text);
  if (isWord(text, "inf") || isWord(text, "infinity") || isWord(text, "nan")) {
    value = (text.bytes[0] | 0x20) == 'n' ? __builtin_nan("") : __builtin_inf();
    value = negative ? -value : value;
    return true;
  }
  // A double is between two numbers of at most 768 digits: of those that follow it only matters
  // whether one is not 0.
  constexpr uint32_t kDigits = 800;
  char digits[kDigits + 32];
  uint32_t count = 0;
  int64_t scale = 0; // of the last digit kept
  uint64_t at = 0;
  bool any = false, point = false, rest = false;
  for (; at < text.size; ++at) {
    uint8_t byte = text.bytes[at];
    if (byte == '.' && !point) {
      point = true;
      continue;
    }
    if (!isDigit(byte))
      break;
    any = true;
    if (count < kDigits) {
      if (count > 0 || byte != '0')
        digits[count++] = static_cast<char>(byte);
      scale -= point;
    } else {
      rest |= byte != '0';
      scale += !point;
    }
  }
  if (!any)
    return false;
  if (at < text.size && (text.bytes[at] | 0x20) == 'e') {
    TextView power = {text.bytes + at + 1, text.size - at - 1};
    bool down = takeSign(power);
    int64_t exponent = 0;
    if (power.size == 0)
      return false;
    for (uint64_t i = 0; i < power.size; ++i) {
      if (!isDigit(power.bytes[i]))
        return false;
      if (exponent < 1000000000)
        exponent = exponent * 10 + (power.bytes[i] - '0');
    }
    scale += down ? -exponent : exponent;
  } else if (at != text.size) {
    return false;
  }
  if (count == 0)
    digits[count++] = '0';
  if (rest) {
    digits[count++] = '1';
    --scale;
  }
  scale = scale > 100000 ? 100000 : scale < -100000 ? -100000 : scale;
  snprintf(digits + count, sizeof digits - count, "e%d", static_cast<int>(scale));
  value = strtod(digits, nullptr);
  value = negative ? -value : value;
  return true;
}

bool longtail::runtime::parseBool(TextView text, bool &value) {
  text = trim(text);
  value = isWord(text, "true");
  if (value || isWord(text, "false"))
    return true;
  double number;
  if (!parseFloat(text, number))
    return false;
  value = number != 0;
  return true;
}
