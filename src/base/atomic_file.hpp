// Files that are whole or absent, whatever happens while they are written.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace tandem {

// Writes `bytes` to a new file beside `path`, makes sure that they are on the disk, and renames it to `path`: a reader, a crash or a full disk sees the
// old file or the new one. Throws Error naming `path`, the system's reason and the cure; the old file is then unchanged and the new one is gone.
void write_atomically(const std::string& path, std::span<const std::byte> bytes);

}  // namespace tandem
