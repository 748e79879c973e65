#include "tune/recording.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/check.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "tandem recording";
constexpr int kVersion = 1;
constexpr size_t kPage = 64;  // arrays begin on multiples of this

// One array of the file.
struct Array {
  std::string name, unit, dtype;  // dtype as NumPy writes it
  std::vector<size_t> shape;
  const void* data;
  size_t bytes;
};

template <class T>
Array array_of(const std::string& name, const std::string& unit, const char* dtype, const std::vector<T>& data, std::vector<size_t> shape) {
  return {name, unit, dtype, std::move(shape), data.data(), data.size() * sizeof(T)};
}

std::vector<Array> arrays_of(const Recording& r) {
  const size_t n = r.time.size();
  std::vector<Array> arrays = {array_of("theta", "1", "<f8", r.theta, {r.theta.size()}), array_of("time", "s", "<f8", r.time, {n}),
                               array_of("trajectory", "1", "<i4", r.trajectory, {n}), array_of("fell", "1", "|u1", r.fell, {r.fell.size()}),
                               array_of("cost", "cost/s", "<f8", r.cost, {r.cost.size()})};
  for (const Column& c : r.columns) arrays.push_back(array_of(c.name, c.unit, "<f4", c.data, {n, static_cast<size_t>(c.size)}));
  return arrays;
}

size_t round_up(size_t n) { return (n + kPage - 1) / kPage * kPage; }

// The header with arrays laid out behind `start` bytes.
std::string header_text(const Recording& r, const std::vector<Array>& arrays, size_t start) {
  Json head;
  head["format"] = kFormat, head["version"] = kVersion, head["robot"] = r.robot, head["controller"] = r.controller;
  head["sample_dt"] = r.sample_dt, head["samples"] = r.time.size(), head["trajectories"] = r.fell.size();
  Json list = Json::object();
  size_t at = start;
  for (const Array& a : arrays) {
    list[a.name] = {{"dtype", a.dtype}, {"shape", a.shape}, {"unit", a.unit}, {"offset", at}};
    at = round_up(at + a.bytes);
  }
  head["arrays"] = list, head["bytes"] = at;
  return head.dump();
}

// What a reader needs of one array, with everything that can be wrong refused.
class FileReader {
 public:
  explicit FileReader(const std::string& path) : path_(path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    check(bool(file), path, ": no such recording; expected a file that save_recording wrote");
    bytes_.resize(static_cast<size_t>(file.tellg()));
    file.seekg(0);
    file.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    check(bool(file), path, ": cannot be read; is it a file?");
    std::uint64_t length = 0;
    if (bytes_.size() >= sizeof length) std::memcpy(&length, bytes_.data(), sizeof length);
    check(bytes_.size() > sizeof length && bytes_[sizeof length] == '{', path, ": not a recording; expected a file that save_recording wrote");
    check(length <= bytes_.size() - sizeof length, path, ": ", bytes_.size(), " bytes, too few for its header; it was cut off: record it again");
    head_ = Json::parse(bytes_.begin() + sizeof length, bytes_.begin() + static_cast<long>(sizeof length + length), nullptr, false);
    check(head_.is_object() && head_.value("format", Json()) == kFormat, path, ": not a recording; expected a file that save_recording wrote");
    check(head_.value("version", Json()) == kVersion, path, ": version ", head_.value("version", Json()).dump(), ", this program reads version ",
          kVersion, "; record it again");
    const Json size = head_.value("bytes", Json());
    check(size.is_number_unsigned() && size.get<size_t>() == bytes_.size(), path, ": ", bytes_.size(), " bytes of ", size.dump(),
          "; it was cut off or something was appended: record it again");
  }

  const Json& head() const { return head_; }

  template <class T>
  T field(const char* name) const {
    try {
      return head_.at(name).get<T>();
    } catch (const Json::exception&) {
      throw Error(cat(path_, ": damaged header at \"", name, "\"; record it again"));
    }
  }

  template <class T>
  void read(const std::string& name, const char* dtype, size_t expected, std::vector<T>& data) const {
    size_t offset = 0, count = 1;
    bool good = true;
    try {
      const Json& a = head_.at("arrays").at(name);
      offset = a.at("offset").get<size_t>();
      for (const Json& length : a.at("shape")) count *= length.get<size_t>();
      good = a.at("dtype") == dtype && count == expected;
    } catch (const Json::exception&) {
      good = false;
    }
    check(good && offset <= bytes_.size() && count <= (bytes_.size() - offset) / sizeof(T), path_, ": damaged header at array \"", name,
          "\"; record it again");
    data.resize(count);
    if (count > 0) std::memcpy(data.data(), bytes_.data() + offset, count * sizeof(T));
  }

 private:
  std::string path_;
  std::vector<char> bytes_;
  Json head_;
};

}  // namespace

int nsample(const Recording& r) { return static_cast<int>(r.time.size()); }
int ntrajectory(const Recording& r) { return static_cast<int>(r.fell.size()); }

const Column& column(const Recording& r, const std::string& name) {
  std::string names;
  for (const Column& c : r.columns) {
    if (c.name == name) return c;
    names += (names.empty() ? "" : ", ") + c.name;
  }
  throw Error(cat("recording of ", r.robot, ": no column \"", name, "\"; it has ", names.empty() ? "none" : names));
}

void check_recording(const Recording& r) {
  const size_t n = r.time.size();
  check(r.sample_dt > 0, "recording: sample_dt = ", r.sample_dt, " s, expected a positive time");
  check(r.trajectory.size() == n, "recording: ", r.trajectory.size(), " trajectory numbers, expected one per sample = ", n);
  check(r.cost.empty() || r.cost.size() == n, "recording: ", r.cost.size(), " stage costs, expected none or one per sample = ", n);
  for (const Column& c : r.columns)
    check(c.size >= 1 && c.data.size() == n * c.size, "recording: column \"", c.name, "\" has ", c.data.size(), " values, expected ", n, " x ",
          c.size);
  int last = -1;
  for (size_t i = 0; i < n; ++i) {
    check(r.trajectory[i] == last || r.trajectory[i] == last + 1, "recording: sample ", i, " is of trajectory ", r.trajectory[i],
          " after one of trajectory ", last, "; expected the same or the next");
    last = r.trajectory[i];
  }
  check(r.fell.size() == static_cast<size_t>(last) + 1, "recording: ", r.fell.size(), " ends of trajectories, expected ", last + 1);
}

void append(Recording& all, const Recording& more) {
  check_recording(more);
  if (all.robot.empty() && all.time.empty()) {
    all = more;
    return;
  }
  check(all.robot == more.robot && all.controller == more.controller, "recording: ", more.robot, " under the ", more.controller,
        " MPC cannot be joined to ", all.robot, " under the ", all.controller, " MPC");
  check(all.sample_dt == more.sample_dt && all.theta == more.theta, "recording: sample time or theta differ from those it is to be joined to");
  check(all.cost.empty() == more.cost.empty(), "recording: only one of the two to be joined has stage costs");
  const auto same = [](const Column& a, const Column& b) { return a.name == b.name && a.size == b.size; };
  check(std::equal(all.columns.begin(), all.columns.end(), more.columns.begin(), more.columns.end(), same),
        "recording: its columns are not those of the recording it is to be joined to");
  const int first = ntrajectory(all);
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (int t : more.trajectory) all.trajectory.push_back(first + t);
  add(all.time, more.time), add(all.fell, more.fell), add(all.cost, more.cost);
  for (size_t c = 0; c < all.columns.size(); ++c) add(all.columns[c].data, more.columns[c].data);
}

void save_recording(const Recording& r, const std::string& path) {
  check_recording(r);
  const std::vector<Array> arrays = arrays_of(r);
  // offsets have more digits than 0; the header's own length decides them, so leave room
  constexpr size_t kRoom = 20;
  const size_t start = round_up(sizeof(std::uint64_t) + header_text(r, arrays, 0).size() + kRoom * (arrays.size() + 1));
  std::string head = header_text(r, arrays, start);
  head.resize(start - sizeof(std::uint64_t), ' ');
  const std::uint64_t length = head.size();
  std::vector<std::byte> bytes;
  const auto put = [&](const void* data, size_t n) {
    const auto* raw = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), raw, raw + n);
  };
  put(&length, sizeof length), put(head.data(), head.size());
  for (const Array& a : arrays) put(a.data, a.bytes), bytes.resize(round_up(bytes.size()));
  write_atomically(path, bytes);
}

Recording load_recording(const std::string& path) {
  const FileReader file(path);
  Recording r;
  r.robot = file.field<std::string>("robot"), r.controller = file.field<std::string>("controller");
  r.sample_dt = file.field<double>("sample_dt");
  const size_t n = file.field<size_t>("samples");
  const Json arrays = file.head().value("arrays", Json::object());
  const auto length = [&](const char* name) { return arrays.at(name).at("shape").at(0).get<size_t>(); };
  try {
    file.read("theta", "<f8", length("theta"), r.theta), file.read("cost", "<f8", length("cost"), r.cost);
    file.read("time", "<f8", n, r.time), file.read("trajectory", "<i4", n, r.trajectory);
    file.read("fell", "|u1", file.field<size_t>("trajectories"), r.fell);
    for (const auto& [name, a] : arrays.items()) {
      if (name == "theta" || name == "cost" || name == "time" || name == "trajectory" || name == "fell") continue;
      Column c{name, a.at("unit").get<std::string>(), a.at("shape").at(1).get<int>(), {}};
      file.read(name, "<f4", n * c.size, c.data);
      r.columns.push_back(std::move(c));
    }
    check_recording(r);
  } catch (const Json::exception&) {
    throw Error(cat(path, ": damaged header; record it again"));
  } catch (const Error& error) {
    throw Error(cat(std::string(error.what()).starts_with(path) ? "" : path + ": ", error.what()));
  }
  return r;
}

}  // namespace tandem
