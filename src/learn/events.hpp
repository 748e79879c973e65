// A TensorBoard event file of scalars. Records of TensorFlow's TFRecord format (length, data, masked CRC-32C of both), each an Event message in the
// encoding of Protocol Buffers: https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
#pragma once

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>

namespace tandem {

using NamedNumber = std::pair<std::string, double>;

class EventFile {
 public:
  // Starts a file in `folder`; TensorBoard then drops what older files of the folder hold at `first_step` and later. Throws Error if that fails.
  EventFile(const std::string& folder, std::int64_t first_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;

  // Appends the scalars of one step; those that are NaN are left out. Returns whether all is with the system; false on a full disk.
  bool write(std::int64_t step, std::span<const NamedNumber> scalars);

 private:
  bool append(const std::string& event);

  std::FILE* file_;
};

}  // namespace tandem
