#include "learn/csv_log.hpp"

#include <charconv>
#include <cmath>
#include <fstream>

#include "base/atomic_file.hpp"
#include "base/check.hpp"

namespace tandem {
namespace {

// The heading and the rows up to `iteration`; a row that was cut off is not one.
std::string rows_up_to(const std::string& path, std::int64_t iteration) {
  std::ifstream file(path);
  std::string kept, line;
  while (std::getline(file, line) && !file.eof()) {
    std::int64_t row = 0;
    const bool heading = std::from_chars(line.data(), line.data() + line.size(), row).ec != std::errc{};
    if (heading || row <= iteration) kept += line + '\n';
  }
  return kept;
}

std::string text_of(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return std::isnan(value) ? "" : text;
}

}  // namespace

CsvLog::CsvLog(const std::string& path, std::int64_t iteration) {
  const std::string kept = rows_up_to(path, iteration);
  has_heading_ = !kept.empty();
  if (has_heading_) write_atomically(path, std::as_bytes(std::span(kept)));
  file_.emplace(path);
}

bool CsvLog::write(std::int64_t iteration, std::span<const NamedNumber> scalars) {
  std::string text;
  if (!has_heading_) {
    text = "iteration";
    for (const NamedNumber& scalar : scalars) text += cat(',', scalar.first);
    text += "\n";
  }
  text += std::to_string(iteration);
  for (const NamedNumber& scalar : scalars) text += cat(',', text_of(scalar.second));
  text += "\n";
  const bool whole = file_->append(text);
  has_heading_ = has_heading_ || whole;
  return whole;
}

}  // namespace tandem
