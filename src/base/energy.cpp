#include "base/energy.hpp"

#include <dlfcn.h>

#include <limits>

#include "base/check.hpp"

namespace tandem {
namespace {

// Of nvml.h, whose functions keep their binary interface.
using Device = void*;
constexpr int kSuccess = 0;
using Init = int (*)();
using Shutdown = int (*)();
using HandleByPci = int (*)(const char*, Device*);
using TotalEnergy = int (*)(Device, unsigned long long*);  // [mJ]
using ErrorString = const char* (*)(int);

}  // namespace

struct EnergyMeter::Impl {
  void* library = nullptr;
  Shutdown shutdown = nullptr;
  TotalEnergy energy = nullptr;
  Device device = nullptr;
  std::string problem;

  Impl(const std::string& pci, const std::string& name) {
    library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      problem = cat(name, " cannot be loaded: there is no NVIDIA driver");
      return;
    }
    const auto init = function<Init>("nvmlInit_v2");
    const auto by_pci = function<HandleByPci>("nvmlDeviceGetHandleByPciBusId_v2");
    const auto text = function<ErrorString>("nvmlErrorString");
    const auto stop = function<Shutdown>("nvmlShutdown");
    const auto total = function<TotalEnergy>("nvmlDeviceGetTotalEnergyConsumption");
    if (!problem.empty()) return;
    const auto failed = [&](int code, const std::string& what) {
      if (code != kSuccess) problem = cat(what, ": ", text(code));
      return code != kSuccess;
    };
    if (failed(init(), "NVML")) return;
    shutdown = stop;
    if (failed(by_pci(pci.c_str(), &device), "NVML, device " + pci)) return;
    unsigned long long first = 0;
    if (failed(total(device, &first), "NVML, energy of device " + pci)) return;
    energy = total;
  }
  ~Impl() {
    if (shutdown) shutdown();
    if (library) ::dlclose(library);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  template <class F>
  F function(const char* name) {
    void* found = ::dlsym(library, name);
    if (!found) problem = cat("NVML has no ", name, ": the driver is too old");
    return reinterpret_cast<F>(found);
  }
};

EnergyMeter::EnergyMeter(const std::string& pci, const std::string& library) : impl_(std::make_unique<Impl>(pci, library)) {}
EnergyMeter::~EnergyMeter() = default;
EnergyMeter::EnergyMeter(EnergyMeter&&) noexcept = default;

const std::string& EnergyMeter::problem() const { return impl_->problem; }

double EnergyMeter::joules() {
  unsigned long long millijoules = 0;
  const bool read = impl_->energy && impl_->energy(impl_->device, &millijoules) == kSuccess;
  return read ? 1e-3 * static_cast<double>(millijoules) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace tandem
