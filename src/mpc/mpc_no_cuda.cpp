#include "base/device.hpp"
#include "mpc/mpc_cuda.hpp"

namespace tandem {

struct MpcCuda::Impl {};

MpcDevicePlan MpcCuda::plan(const Model&, const MpcSettings&, int, int, bool) { throw_built_without_cuda(); }
MpcCuda::MpcCuda(const Model&, const MpcSettings&, int, int, bool) { throw_built_without_cuda(); }
MpcCuda::~MpcCuda() = default;
MpcCuda::MpcCuda(MpcCuda&&) noexcept = default;
void MpcCuda::step(const DeviceInput&, void*) { throw_built_without_cuda(); }
void MpcCuda::wait() const { throw_built_without_cuda(); }
MpcProfile MpcCuda::step_by_stages(const DeviceInput&) { throw_built_without_cuda(); }
void MpcCuda::reset(const unsigned char*, const float*, void*) { throw_built_without_cuda(); }
DeviceInput MpcCuda::input() const { throw_built_without_cuda(); }
DeviceOutput MpcCuda::output() const { throw_built_without_cuda(); }
void MpcCuda::upload(std::span<const double>, std::span<const double>, std::span<const double>) { throw_built_without_cuda(); }
void MpcCuda::download(MpcOutput&) const { throw_built_without_cuda(); }
std::vector<std::byte> MpcCuda::save() const { throw_built_without_cuda(); }
void MpcCuda::load(std::span<const std::byte>) { throw_built_without_cuda(); }
std::vector<KernelUse> MpcCuda::kernels() const { throw_built_without_cuda(); }
const MpcDevicePlan& MpcCuda::plan() const { throw_built_without_cuda(); }
const MpcSettings& MpcCuda::settings() const { throw_built_without_cuda(); }
const Model& MpcCuda::model() const { throw_built_without_cuda(); }

}  // namespace tandem
