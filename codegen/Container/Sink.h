// Where an artifact's bytes go.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace longtail::container {

class Sink {
public:
  virtual ~Sink() = default;
  // False after a failure; the sink then remembers why.
  virtual bool write(const void *data, uint64_t bytes) = 0;
  bool pad(uint64_t bytes);
};

class MemorySink : public Sink {
public:
  explicit MemorySink(std::vector<uint8_t> &bytes) : bytes(bytes) {}
  bool write(const void *data, uint64_t count) override;

private:
  std::vector<uint8_t> &bytes;
};

// Writes next to the final path and moves there in `commit`. Destroyed without commit, it leaves
// nothing behind.
class FileSink : public Sink {
public:
  explicit FileSink(std::string path);
  ~FileSink() override;
  bool open();
  bool write(const void *data, uint64_t bytes) override;
  bool commit();
  const std::string &error() const { return message; }
  int errorCode() const { return code; } // an errno

private:
  bool fail(const char *action);
  bool flush();

  std::string path, temporary, message;
  std::vector<uint8_t> buffer; // small writes are collected
  int fd = -1, code = 0;
};

} // namespace longtail::container
