#include "model/toml_reader.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "model/load_mujoco.hpp"
#include "model/names.hpp"

namespace tandem {
namespace {

const toml::table kEmpty;

double checked(const Section& section, const toml::node& node, const std::string& key, Bounds bounds) {
  const auto value = node.value<double>();
  check(value.has_value() && !node.is_boolean() && node.is_number(), place(section, node), ": ", key, " is not a number");
  check(std::isfinite(*value), place(section, node), ": ", key, " = ", *value, ", expected a finite number");
  check(*value >= bounds.low, place(section, node), ": ", key, " = ", *value, ", expected at least ", bounds.low);
  check(*value <= bounds.high, place(section, node), ": ", key, " = ", *value, ", expected at most ", bounds.high);
  return *value;
}

const toml::node& needed(const Section& section, const std::string& key) {
  const toml::node* node = section.table->get(key);
  check(node != nullptr, place(section), ": ", section.where, " lacks the key \"", key, "\"; add it (docs/robots.md)");
  return *node;
}

std::vector<std::string> keys(const toml::table& table) {
  std::vector<std::string> out;
  for (const auto& [key, node] : table) out.emplace_back(key.str());
  return out;
}

}  // namespace

toml::table parse_toml(const std::string& path) {
  const std::string text = read_text(path);
  const size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  check(first == std::string::npos || text[first] != '<', path, ": is XML, expected TOML; of a robot's URDF or MJCF `python -m tandem.new_robot ",
        path, "` makes a folder with a robot.toml");
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    std::string reason(error.description());
    std::replace_if(reason.begin(), reason.end(), [](unsigned char c) { return c < 32; }, ' ');
    throw Error(cat(path, ":", error.source().begin.line, ": ", reason));
  }
}

std::string place(const Section& section, const toml::node& node) { return cat(section.file, ":", node.source().begin.line); }
std::string place(const Section& section) {
  const auto line = section.table->source().begin.line;
  return line ? cat(section.file, ":", line) : section.file;
}

void only_keys(const Section& section, const std::vector<std::string>& known) {
  for (const auto& [key, node] : *section.table) {
    const std::string name(key.str());
    check(std::find(known.begin(), known.end(), name) != known.end(), place(section, node), ": ", section.where, " has no key \"", name,
          "\"; did you mean ", nearest(name, known), "?");
  }
}

Section subsection(const Section& section, const std::string& key, bool required) {
  const std::string where = section.where.front() == '[' ? cat(section.where.substr(0, section.where.size() - 1), ".", key, "]") : cat("[", key, "]");
  if (!required && !section.table->contains(key)) return {&kEmpty, section.file, where};
  const toml::node* node = section.table->get(key);
  check(node != nullptr, place(section), ": lacks the table ", where, "; add it (docs/robots.md)");
  check(node->is_table(), place(section, *node), ": \"", key, "\" is not a table; write ", where);
  return {node->as_table(), section.file, where};
}

double number(const Section& section, const std::string& key, Bounds bounds) { return checked(section, needed(section, key), key, bounds); }
double number(const Section& section, const std::string& key, Bounds bounds, double otherwise) {
  return section.table->contains(key) ? number(section, key, bounds) : otherwise;
}

int whole_number(const Section& section, const std::string& key, Bounds bounds, int otherwise) {
  if (!section.table->contains(key)) return otherwise;
  const double value = number(section, key, bounds);
  check(value == std::floor(value), place(section, needed(section, key)), ": ", key, " = ", value, ", expected a whole number");
  return static_cast<int>(value);
}

std::string text(const Section& section, const std::string& key) {
  const toml::node& node = needed(section, key);
  check(node.is_string() && !node.as_string()->get().empty(), place(section, node), ": ", key, " is not a text in quotes");
  return node.as_string()->get();
}

std::vector<double> numbers(const Section& section, const std::string& key, size_t count, Bounds bounds) {
  const toml::node& node = needed(section, key);
  check(node.is_array(), place(section, node), ": ", key, " is not a list; expected ", count, " numbers in brackets");
  const toml::array& array = *node.as_array();
  check(array.size() == count, place(section, node), ": ", key, " has ", array.size(), " values, expected ", count);
  std::vector<double> out;
  for (const toml::node& item : array) out.push_back(checked(section, item, cat(key, "[", out.size(), "]"), bounds));
  return out;
}
std::vector<double> numbers(const Section& section, const std::string& key, size_t count, Bounds bounds, const std::vector<double>& otherwise) {
  return section.table->contains(key) ? numbers(section, key, count, bounds) : otherwise;
}

std::vector<std::string> texts(const Section& section, const std::string& key, const std::vector<std::string>& otherwise) {
  const toml::node* node = section.table->get(key);
  if (!node) return otherwise;
  check(node->is_array(), place(section, *node), ": ", key, " is not a list; expected texts in brackets");
  std::vector<std::string> out;
  for (const toml::node& item : *node->as_array()) {
    check(item.is_string(), place(section, item), ": ", key, "[", out.size(), "] is not a text in quotes");
    out.push_back(item.as_string()->get());
  }
  return out;
}

std::vector<Section> sections(const Section& section, const std::string& key) {
  const toml::node* node = section.table->get(key);
  if (!node) return {};
  check(node->is_array(), place(section, *node), ": \"", key, "\" is not a list of tables; write [[", key, "]]");
  std::vector<Section> out;
  for (const toml::node& item : *node->as_array()) {
    check(item.is_table(), place(section, item), ": \"", key, "\" holds something that is not a table");
    out.push_back({item.as_table(), section.file, cat("[[", key, "]]")});
  }
  return out;
}

std::vector<double> by_name(const Section& section, const std::vector<std::string>& names, Bounds bounds, double otherwise) {
  // toml++ sorts keys; the order of the file is that of the source positions
  std::vector<std::pair<std::string, const toml::node*>> lines;
  for (const auto& [key, node] : *section.table) lines.emplace_back(key.str(), &node);
  std::sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) {
    const auto &p = a.second->source().begin, &q = b.second->source().begin;
    return p.line != q.line ? p.line < q.line : p.column < q.column;
  });
  std::vector<double> out(names.size(), std::numeric_limits<double>::quiet_NaN());
  for (const auto& [pattern, node] : lines) {
    const double value = checked(section, *node, cat("\"", pattern, "\""), bounds);
    bool used = false;
    for (size_t i = 0; i < names.size(); ++i) {
      if (!matches(pattern, names[i])) continue;
      out[i] = value;
      used = true;
    }
    check(used, place(section, *node), ": ", section.where, ": \"", pattern, "\" matches no joint; nearest: ", nearest(pattern, names));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (!std::isnan(out[i])) continue;
    check(!std::isnan(otherwise), place(section), ": ", section.where, " says nothing about the joint \"", names[i],
          "\"; add a line, or \"*\" for the rest; it has ", keys(*section.table).empty() ? "none" : nearest(names[i], keys(*section.table)));
    out[i] = otherwise;
  }
  return out;
}

}  // namespace tandem
