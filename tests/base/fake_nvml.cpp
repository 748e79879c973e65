// A stand-in for the driver's management library, which machines without a GPU do not have: one device that takes a joule per reading.
extern "C" {

int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
const char* nvmlErrorString(int code) { return code == 6 ? "Not Found" : "Unknown Error"; }

int nvmlDeviceGetHandleByPciBusId_v2(const char* pci, void** device) {
  static int one;
  *device = &one;
  return pci[0] == '0' ? 0 : 6;
}

int nvmlDeviceGetTotalEnergyConsumption(void*, unsigned long long* millijoules) {
  static unsigned long long total = 0;
  *millijoules = total += 1000;
  return 0;
}
}
