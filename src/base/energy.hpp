// Energy that a GPU has taken, from NVIDIA's management library (NVML), which comes with the driver and is loaded when it is asked for.
#pragma once

#include <memory>
#include <string>

namespace tandem {

class EnergyMeter {
 public:
  // Of the device with this PCI bus id (CudaDevice::pci). Never throws: where the library, the device or the counter is missing, problem() says which.
  explicit EnergyMeter(const std::string& pci, const std::string& library = "libnvidia-ml.so.1");
  ~EnergyMeter();
  EnergyMeter(EnergyMeter&&) noexcept;

  // Why there is nothing to read; empty where there is.
  const std::string& problem() const;

  // Energy since the driver was loaded [J]; NaN where there is nothing to read. The counter moves some ten times a second: measure for a second or more.
  double joules();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
