#include "tests/emulator/cycles.hpp"

#include <algorithm>

namespace tandem::ptx {
namespace {

constexpr int kShared = 30, kGeneric = 36, kLocal = 35, kNear = 40, kFar = 270, kParameter = 8;  // loads
constexpr int kDivision = 100, kRoot = 45, kReciprocalRoot = 24, kDouble = 16, kPredicate = 6, kBranch = 8, kCall = 12, kBarrier = 25;
constexpr int kSchedulers = 4, kLines = 192;

// Rows that an instruction reads.
std::vector<uint32_t> sources(const Instruction& in, bool load, bool store) {
  std::vector<uint32_t> rows;
  if (in.guarded) rows.push_back(in.guard);
  if (in.flow != Flow::kNext) return rows;
  if (load || store) rows.push_back(in.s[0]);
  if (store) rows.push_back(in.d);
  if (store) rows.insert(rows.end(), in.s.begin() + 1, in.s.begin() + in.count);
  if (!load && !store)
    for (const uint32_t row : in.s)
      if (row != 0) rows.push_back(row);
  return rows;
}
// Rows that it writes.
std::vector<uint32_t> results(const Instruction& in, bool load, bool store) {
  if (store || in.flow != Flow::kNext) return {};
  std::vector<uint32_t> rows{in.d};
  if (load) rows.insert(rows.end(), in.s.begin() + 1, in.s.begin() + in.count);
  return rows;
}

}  // namespace

Cycles::Code& Cycles::code_of(const Warp& w) {
  Code& code = codes_[w.function];
  if (!code.leads.empty()) return code;
  const std::vector<Instruction>& all = w.function->code;
  code.cost.resize(all.size()), code.leads.assign(all.size() + 1, 0);
  code.leads.front() = code.leads.back() = 1;
  for (size_t i = 0; i < all.size(); ++i) {
    Cost& cost = code.cost[i];
    if (all[i].flow != Flow::kNext) {
      code.leads[i + 1] = 1;
      if (all[i].flow == Flow::kBranch) code.leads[all[i].target] = 1, cost = {kBranch, 2};
      continue;
    }
    const std::string_view text = w.block->module->name(all[i]);
    const auto is = [&](std::string_view name) { return text.starts_with(name); };
    const auto of = [&](std::string_view type) { return text.ends_with(type); };
    if (is("st.param") || (is("ld.param") && w.function->parameter_bytes == 0)) {
      cost = {0, is("st.param")};  // arguments of a function are registers
    } else if (is("ld.")) {
      cost.load = true, cost.global = !is("ld.shared") && !is("ld.local") && !is("ld.param");
      cost.latency = is("ld.shared") ? kShared : is("ld.local") ? kLocal : is("ld.param") ? kParameter : kFar;
    } else if (is("st.")) {
      cost.store = true, cost.latency = 0;
    } else if (is("mov.") || is("cvta") || is("cvt.u32.u64") || is("cvt.u64.u32")) {
      cost = {0, 0};  // another name for a register
    } else if (is("cp.async.wait_all")) {
      cost.ends_copies = true;
    } else if (is("cp.async.")) {
      cost.store = cost.global = cost.begins_copy = true, cost.latency = kFar;
    } else if ((is("div.") || is("rem.")) && !of("f32")) {
      cost = {kDivision, 25};
    } else if (is("rsqrt")) {
      cost = {kReciprocalRoot, 2};
    } else if (is("div.") || is("rcp.") || is("sqrt.")) {
      cost = {kRoot, 10};
    } else if (of("f64")) {
      cost.latency = kDouble;
    } else if (is("setp")) {
      cost.latency = kPredicate;
    }
  }
  return code;
}

// A list schedule: of what may come next, that with the longest way to the end of the block. Loads stay between the same stores.
const std::vector<uint32_t>& Cycles::order_of(const Warp& w, uint32_t begin, uint32_t end) {
  Code& code = code_of(w);
  std::vector<uint32_t>& order = code.order[{begin, end}];
  if (!order.empty()) return order;
  const int n = static_cast<int>(end - begin);
  std::vector<std::vector<int>> after(n);
  std::vector<int> waits_for(n, 0), way(n, 0), loads;
  std::unordered_map<uint32_t, int> writer;
  std::unordered_map<uint32_t, std::vector<int>> readers;
  int last_store = -1;
  const auto put_before = [&](int a, int b) {
    if (a >= 0 && a != b) after[a].push_back(b), ++waits_for[b];
  };
  for (int i = 0; i < n; ++i) {
    const Instruction& in = w.function->code[begin + i];
    const Cost& cost = code.cost[begin + i];
    for (const uint32_t row : sources(in, cost.load, cost.store)) {
      if (const auto found = writer.find(row); found != writer.end()) put_before(found->second, i);
      readers[row].push_back(i);
    }
    if (cost.load) put_before(last_store, i), loads.push_back(i);
    if (cost.store) {
      put_before(last_store, i);
      for (const int load : loads) put_before(load, i);
      loads.clear(), last_store = i;
    }
    if (in.flow != Flow::kNext || cost.ends_copies)
      for (int k = 0; k < i; ++k) put_before(k, i);
    for (const uint32_t row : results(in, cost.load, cost.store)) {
      for (const int reader : readers[row]) put_before(reader, i);
      if (const auto found = writer.find(row); found != writer.end()) put_before(found->second, i);
      readers[row].clear(), writer[row] = i;
    }
  }
  for (int i = n - 1; i >= 0; --i) {
    for (const int k : after[i]) way[i] = std::max(way[i], way[k]);
    way[i] += std::max(1, code.cost[begin + i].latency);
  }
  std::vector<int64_t> ready(n, 0);
  std::vector<int> next;
  for (int i = 0; i < n; ++i)
    if (waits_for[i] == 0) next.push_back(i);
  for (int64_t now = 0; !next.empty();) {
    const auto best = std::min_element(next.begin(), next.end(), [&](int a, int b) {
      const bool a_may = ready[a] <= now, b_may = ready[b] <= now;
      return a_may != b_may ? a_may : a_may ? way[a] > way[b] : ready[a] < ready[b];
    });
    const int i = *best;
    next.erase(best);
    const Cost& cost = code.cost[begin + i];
    now = std::max(now + cost.issue, ready[i]);
    order.push_back(begin + i);
    for (const int k : after[i]) {
      ready[k] = std::max(ready[k], now + cost.latency);
      if (--waits_for[k] == 0) next.push_back(k);
    }
  }
  return order;
}

void Cycles::execute(Warp& w, uint32_t begin, uint32_t end) {
  if (clocks_.size() <= static_cast<size_t>(w.number)) clocks_.resize(w.number + 1);
  const std::vector<uint32_t>& order = order_of(w, begin, end);
  const Code& code = code_of(w);
  Clock& clock = clocks_[w.number];
  for (const uint32_t i : order) {
    const Instruction& in = w.function->code[i];
    const Cost& cost = code.cost[i];
    int64_t start = clock.now;
    for (const uint32_t row : sources(in, cost.load, cost.store))
      if (const auto found = clock.ready.find(row); found != clock.ready.end()) start = std::max(start, found->second);
    int latency = cost.latency;
    if (cost.global)
      if (const auto found = latency_.find(&in); found != latency_.end()) latency = found->second;
    if (cost.begins_copy) clock.copied = std::max(clock.copied, start + latency);
    if (cost.ends_copies) start = std::max(start, clock.copied);
    for (const uint32_t row : results(in, cost.load, cost.store)) clock.ready[row] = start + latency;
    if (cost.issue == 0) continue;
    clock.now = start + cost.issue + (in.flow != Flow::kNext ? cost.latency : 0);
    clock.issued += cost.issue;
  }
}

void Cycles::change_function(const Warp& w) {
  Clock& clock = clocks_[w.number];
  for (const auto& [row, time] : clock.ready) clock.now = std::max(clock.now, time);
  clock.ready.clear();
  clock.now += kCall;
}

void Cycles::shared_access(const std::vector<uint64_t>& addresses, size_t size) {
  std::array<std::vector<uint64_t>, 32> banks;
  size_t most = 0;
  for (const uint64_t address : addresses)
    for (size_t byte = 0; byte < size; byte += 4) {
      const uint64_t word = (address + byte) / 4;
      std::vector<uint64_t>& bank = banks[word % 32];
      if (std::find(bank.begin(), bank.end(), word) == bank.end()) bank.push_back(word);
      most = std::max(most, bank.size());
    }
  passes_ += static_cast<int64_t>(most);
}

void Cycles::generic_access(const Warp& w, const Instruction& in, const std::vector<uint64_t>& addresses, size_t size) {
  const std::vector<std::byte>& shared = w.block->shared;
  if (!addresses.empty() && addresses.front() - reinterpret_cast<uint64_t>(shared.data()) < shared.size()) {
    latency_[&in] = kGeneric;
    return shared_access(addresses, size);
  }
  bool all_near = true;
  for (const uint64_t address : addresses) {
    const uint64_t line = address / 128;
    const auto [found, is_new] = lines_.try_emplace(line, 0);
    all_near &= !is_new;
    if (!is_new) by_age_.erase(found->second);
    found->second = ++age_, by_age_[age_] = line;
    if (lines_.size() > kLines) lines_.erase(by_age_.begin()->second), by_age_.erase(by_age_.begin());
  }
  latency_[&in] = all_near ? kNear : kFar;
}

void Cycles::end_phase(const Block& block) {
  clocks_.resize(block.warps.size());
  int64_t longest = 0;
  std::array<int64_t, kSchedulers> issued{};
  for (size_t i = 0; i < clocks_.size(); ++i) longest = std::max(longest, clocks_[i].now), issued[i % kSchedulers] += clocks_[i].issued;
  const int64_t issue = *std::max_element(issued.begin(), issued.end()), cycles = std::max({longest, issue, passes_});
  Total& total = totals_[block.warps.front().function];
  ++total.phases, total.cycles += cycles + kBarrier;
  (cycles == longest ? total.by_latency : cycles == issue ? total.by_issue : total.by_passes) += cycles;
  // a new phase begins with all registers there, but not all copies
  for (Clock& clock : clocks_) clock = {0, 0, std::max<int64_t>(0, clock.copied - cycles), {}};
  passes_ = 0;
}

void Cycles::write(std::FILE* to) const {
  std::fprintf(to, "cycles\tphases\tlatency\tissue\tpasses\tkernel\n");
  for (const auto& [function, t] : totals_)
    std::fprintf(to, "%ld\t%ld\t%ld\t%ld\t%ld\t%s\n", t.cycles, t.phases, t.by_latency, t.by_issue, t.by_passes, function->name.c_str());
}

}  // namespace tandem::ptx
