#include "model/fields.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "model/names.hpp"
#include "model/toml_reader.hpp"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// Overloads for std::visit.
template <class... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overload(Cases...) -> Overload<Cases...>;

// Where numbers of a field go: how many it takes, and what they may be.
struct Target {
  double* list = nullptr;               // fixed number of them
  std::vector<double>* free = nullptr;  // any number of them
  size_t count = 1;
  bool ascending = false;
  bool whole = false;
  double largest = Range{}.high;  // that its type holds, or holds exactly
};

Target target_of(const Field& field) {
  return std::visit(Overload{[](Triple t) { return Target{t.value, nullptr, 3}; }, [](Interval t) { return Target{t.value, nullptr, 2, true}; },
                             [](std::vector<double>* p) { return Target{p->data(), nullptr, p->size()}; },
                             [](FreeList t) { return Target{nullptr, t.value, 0}; }, [](int*) { return Target{.whole = true, .largest = 1e9}; },
                             [](std::uint64_t*) { return Target{.whole = true, .largest = double(kLargestSeed)}; },
                             [](float*) { return Target{.largest = std::numeric_limits<float>::max()}; }, [](const auto&) { return Target{}; }},
                    field.target);
}

bool is_text(const Field& field) { return std::holds_alternative<std::string*>(field.target) || std::holds_alternative<Choice>(field.target); }
bool is_truth(const Field& field) { return std::holds_alternative<bool*>(field.target); }

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return out;
}

// "at least 1", "between 0 and 2", ...
std::string described(const Range& range) {
  const Range all;
  if (range.low == all.low) return cat(range.high_open ? "less than " : "at most ", range.high);
  if (range.high == all.high) return cat(range.low_open ? "more than " : "at least ", range.low);
  if (range.low_open && range.high_open) return cat("between ", range.low, " and ", range.high);
  if (!range.low_open && !range.high_open) return cat(range.low, " to ", range.high);
  return cat(range.low_open ? "more than " : "at least ", range.low, range.high_open ? ", less than " : ", at most ", range.high);
}

bool inside(const Range& range, double x) {
  return (range.low_open ? x > range.low : x >= range.low) && (range.high_open ? x < range.high : x <= range.high);
}

// The numbers of `value`, checked against the field; `shown` is how messages show the value.
std::vector<double> checked_numbers(const Field& field, const Json& value, const std::string& shown) {
  const Target target = target_of(field);
  const bool list = target.list || target.free;
  const std::string what = cat(field.name, " = ", shown, ", expected ");
  check(value.is_number() || (value.is_array() && list), what, list ? "numbers" : "a number");
  std::vector<double> numbers;
  for (const Json& item : value.is_array() ? value : Json::array({value})) {
    check(item.is_number() && std::isfinite(item.get<double>()), what, list ? "finite numbers" : "a finite number");
    numbers.push_back(item.get<double>());
  }
  if (target.free) {
    check(!numbers.empty(), what, "at least one number");
  } else {
    check(numbers.size() == 1 || numbers.size() == target.count, field.name, " has ", numbers.size(), " values, expected 1 or ", target.count);
    if (numbers.size() == 1) numbers.assign(target.count, numbers[0]);
  }
  for (const double x : numbers) {
    check(!target.whole || x == std::floor(x), what, "a whole number");
    check(std::abs(x) <= target.largest, what, "at most ", target.largest);
    check(inside(field.range, x), what, described(field.range));
  }
  check(!target.ascending || numbers[0] <= numbers[1], what, "the lower value first");
  return numbers;
}

void set_numbers(const Field& field, const std::vector<double>& numbers) {
  const Target target = target_of(field);
  if (target.free) *target.free = numbers;
  if (target.list) std::copy(numbers.begin(), numbers.end(), target.list);
  if (target.free || target.list) return;
  std::visit(Overload{[&](double* p) { *p = numbers[0]; }, [&](float* p) { *p = static_cast<float>(numbers[0]); },
                      [&](int* p) { *p = static_cast<int>(numbers[0]); }, [&](std::uint64_t* p) { *p = static_cast<std::uint64_t>(numbers[0]); },
                      [](const auto&) {}},
             field.target);
}

void set_text(const Field& field, const std::string& text) {
  if (const auto* p = std::get_if<std::string*>(&field.target)) {
    **p = text;
    return;
  }
  const Choice& choice = std::get<Choice>(field.target);
  const auto found = std::find(choice.names.begin(), choice.names.end(), text);
  check(found != choice.names.end(), field.name, " = ", text, ", expected ", joined(choice.names));
  choice.set(choice.value, static_cast<int>(found - choice.names.begin()));
}

void set_checked(const Field& field, const Json& value, const std::string& shown) {
  if (is_truth(field)) {
    check(value.is_boolean(), field.name, " = ", shown, ", expected true or false");
    *std::get<bool*>(field.target) = value.get<bool>();
  } else if (is_text(field)) {
    const Choice* choice = std::get_if<Choice>(&field.target);
    check(value.is_string(), field.name, " = ", shown, ", expected ", choice ? joined(choice->names) : "a text in quotes");
    set_text(field, value.get<std::string>());
  } else {
    set_numbers(field, checked_numbers(field, value, shown));
  }
}

const Field& find(const Fields& fields, const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const Field& field : fields) {
    if (field.name == name) return field;
    names.push_back(field.name);
  }
  throw Error(cat(where, ": there is no setting \"", name, "\"; nearest: ", nearest(name, names)));
}

// A TOML value as JSON; null for dates and times, which no field takes.
Json to_json(const toml::node& node) {
  if (const auto* array = node.as_array()) {
    Json out = Json::array();
    for (const toml::node& item : *array) out.push_back(to_json(item));
    return out;
  }
  if (const auto* p = node.as_boolean()) return p->get();
  if (const auto* p = node.as_integer()) return p->get();
  if (const auto* p = node.as_floating_point()) return p->get();
  if (const auto* p = node.as_string()) return p->get();
  return nullptr;
}

std::string shown(const toml::node& node) {
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  return out.str();
}

// Sets the fields that `table` names; `prefix` is the table's own name with a dot, empty for the outermost.
void read_table(const Section& section, const Fields& fields, const std::string& prefix) {
  for (const auto& [key, node] : *section.table) {
    const std::string name = cat(prefix, key.str());
    const bool is_prefix = std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.name.starts_with(name + "."); });
    if (node.is_table() && (is_prefix || !node.as_table()->empty())) {
      read_table({node.as_table(), section.file, ""}, fields, name + ".");
      continue;
    }
    const Field& field = find(fields, name, place(section, node));
    try {
      set_checked(field, to_json(node), shown(node));
    } catch (const Error& error) {
      throw Error(cat(place(section, node), ": ", error.what()));
    }
  }
}

// The shortest decimal number that reads back as the same float.
double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text - 1, value).ptr;
  *end = 0;
  return std::strtod(text, nullptr);
}

}  // namespace

const void* address(const Field& field) {
  return std::visit(
      [](const auto& target) -> const void* {
        if constexpr (requires { target.value; })
          return target.value;
        else
          return target;
      },
      field.target);
}

nlohmann::ordered_json value_of(const Field& field) {
  return std::visit(Overload{[](const auto* p) { return Json(*p); }, [](const float* p) { return Json(shortest(*p)); },
                             [](Triple t) { return Json(std::vector<double>(t.value, t.value + 3)); },
                             [](Interval t) { return Json(std::vector<double>(t.value, t.value + 2)); }, [](FreeList t) { return Json(*t.value); },
                             [](const Choice& c) { return Json(c.names.at(c.get(c.value))); }},
                    field.target);
}

nlohmann::ordered_json to_json(const Fields& fields) {
  Json json = Json::object();
  for (const Field& field : fields) json[field.name] = value_of(field);
  return json;
}

void set_field(const Field& field, const std::string& text) {
  if (is_text(field)) return set_text(field, text);
  if (is_truth(field)) {
    const bool yes = text == "true" || text == "1", no = text == "false" || text == "0";
    return set_checked(field, yes || no ? Json(yes) : Json(text), text);
  }
  const Target target = target_of(field);
  const bool list = target.list || target.free, brackets = list && text.size() > 2 && text.front() == '[' && text.back() == ']';
  const std::vector<double> numbers = parse_numbers(brackets ? text.substr(1, text.size() - 2) : text, list ? 0 : 1, field.name);
  set_numbers(field, checked_numbers(field, numbers.size() == 1 ? Json(numbers[0]) : Json(numbers), text));
}

void set_field(const Field& field, const nlohmann::ordered_json& value) { set_checked(field, value, value.dump()); }

void apply_assignment(const Fields& fields, const std::string& assignment, const std::string& option) {
  const size_t equals = assignment.find('=');
  check(equals != std::string::npos && equals > 0, option, " ", assignment, ": expected name=value, for example ", option, " ", fields.back().name,
        "=", value_of(fields.back()).dump());
  set_field(find(fields, assignment.substr(0, equals), cat(option, " ", assignment)), assignment.substr(equals + 1));
}

void read_fields(const std::string& path, const Fields& fields, const std::string& table, const std::vector<std::string>& foreign) {
  toml::table file = parse_toml(path);
  for (const std::string& name : foreign) file.erase(name);
  const Section top{&file, path, "the file"};
  read_table(table.empty() ? top : subsection(top, table, false), fields, "");
}

std::string to_toml(const Fields& fields) {
  std::vector<std::string> tables;
  const auto table_of = [](const Field& field) { return field.name.substr(0, field.name.rfind('.') + 1); };  // "reward.", or empty
  for (const Field& field : fields)
    if (std::find(tables.begin(), tables.end(), table_of(field)) == tables.end()) tables.push_back(table_of(field));
  std::stable_partition(tables.begin(), tables.end(), [](const std::string& table) { return table.empty(); });
  std::string out;
  for (const std::string& table : tables) {
    if (!table.empty()) out += cat(out.empty() ? "" : "\n", "[", table.substr(0, table.size() - 1), "]\n");
    for (const Field& field : fields)
      if (table_of(field) == table) out += cat(field.name.substr(table.size()), " = ", value_of(field).dump(), "\n");
  }
  return out;
}

std::vector<double> parse_numbers(const std::string& text, size_t count, const std::string& what) {
  std::vector<double> values;
  const char* p = text.c_str();
  for (;;) {
    char* end = nullptr;
    const double value = std::strtod(p, &end);
    check(end != p && (*end == ',' || *end == 0) && std::isfinite(value), what, " = ", text, ", expected ",
          count == 1   ? std::string("a number")
          : count == 0 ? std::string("numbers with commas between")
                       : cat(count, " numbers with commas between"));
    values.push_back(value);
    if (*end == 0) break;
    p = end + 1;
  }
  check(count == 0 || values.size() == count, what, " = ", text, ", expected ", count, count == 1 ? " number" : " numbers with commas between");
  return values;
}

}  // namespace tandem
