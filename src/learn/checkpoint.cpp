#include "learn/checkpoint.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/atomic_file.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/crc32c.hpp"

namespace tandem {
namespace {

constexpr const char* kKind = "checkpoint";
constexpr std::uint32_t kFormat = 1;

template <class Archive, class Self>
void archive_arrays(Archive& bytes, Self& arrays) {
  std::uint64_t count = arrays.size();
  bytes(count);
  if constexpr (!std::is_const_v<Self>) arrays.resize(count);
  for (auto& array : arrays) bytes(array.name), bytes(array.type), bytes(array.bytes);
}

// The fields in their order, written or read.
template <class Archive, class Self>
void archive(Archive& bytes, Self& c) {
  std::uint64_t count = c.identity.size();
  bytes(count);
  if constexpr (!std::is_const_v<Self>) c.identity.resize(count);
  for (auto& [name, value] : c.identity) bytes(name), bytes(value);
  bytes(c.iteration), bytes(c.robot_steps), bytes(c.seconds);
  archive_arrays(bytes, c.learner);
  archive_arrays(bytes, c.statistics);
  bytes(c.worlds);
}

}  // namespace

void save_checkpoint(const Checkpoint& checkpoint, const std::string& path) {
  ByteWriter writer(kKind, kFormat);
  archive(writer, checkpoint);
  std::vector<std::byte> bytes = writer.finish();
  append_check_sum(bytes);
  write_atomically(path, bytes);
}

Checkpoint load_checkpoint(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  check(file.good(), path, ": cannot be read: ", std::strerror(errno));
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  check(bytes.size() > kCheckSumSize, path, ": ", bytes.size(), " bytes, not a checkpoint; take another one of the run");
  Checkpoint checkpoint;
  try {
    ByteReader reader(kKind, kFormat, bytes.first(bytes.size() - kCheckSumSize));
    check(check_sum_is_right(bytes), "its check sum is wrong: the file was damaged; take another one of the run");
    archive(reader, checkpoint);
  } catch (const Error& error) {
    throw Error(cat(path, ": ", error.what()));
  }
  return checkpoint;
}

void check_identity(const Checkpoint& checkpoint, const Identity& expected, const std::string& path) {
  check(checkpoint.identity.size() == expected.size(), path, ": describes itself by ", checkpoint.identity.size(), " values, expected ",
        expected.size(), "; it is of another program");
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto& [name, value] = checkpoint.identity[i];
    check(name == expected[i].first && value == expected[i].second, path, ": ", name, " is ", value, ", expected ", expected[i].first, " ",
          expected[i].second, "; load it where they are the same");
  }
}

Checkpoint load_latest_checkpoint(const RunFolder& folder, const Identity& expected, const std::function<void(const std::string&)>& warn) {
  for (std::int64_t iteration : folder.checkpoints()) {
    const std::string path = folder.checkpoint(iteration);
    Checkpoint checkpoint;
    try {
      checkpoint = load_checkpoint(path);
    } catch (const Error& error) {
      if (warn) warn(error.what());
      continue;
    }
    check_identity(checkpoint, expected, path);
    return checkpoint;
  }
  throw Error(cat(folder.path(), ": none of its checkpoints can be read; start a new run"));
}

}  // namespace tandem
