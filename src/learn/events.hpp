// A TensorBoard event file of scalars. Records of TensorFlow's TFRecord format (length, data, masked CRC-32C of both), each an Event message in the
// encoding of Protocol Buffers: https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/append_file.hpp"

namespace tandem {

using NamedNumber = std::pair<std::string, double>;

class EventFile {
 public:
  // Starts a file in `folder`; TensorBoard then drops what older files of the folder hold at `first_step` and later. Throws Error if that fails.
  EventFile(const std::string& folder, std::int64_t first_step);

  // Appends the scalars of one step; those that are NaN are left out. Returns whether all is with the system; on a full disk nothing is added.
  bool write(std::int64_t step, std::span<const NamedNumber> scalars);

 private:
  bool append(const std::string& event);

  AppendFile file_;
};

}  // namespace tandem
