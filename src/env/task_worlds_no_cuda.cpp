#include "base/device.hpp"
#include "env/task_worlds.hpp"

namespace tandem {

std::unique_ptr<TaskBackend> make_task_cuda(std::size_t) { throw_built_without_cuda(); }

}  // namespace tandem
