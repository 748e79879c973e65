// A module of PTX: its functions, global variables and files of source, found by the first words of its lines.
#include "tests/emulator/reader.hpp"

namespace tandem::ptx {

Module::Module(std::string text) : text_(std::move(text)) {
  for (size_t at = 0; (at = text_.find('\n', at)) != std::string::npos; ++at) lines_.push_back(at);
  // what begins at the beginning of a line
  for (size_t start = 0; start < text_.size(); start = text_.find('\n', start) == std::string::npos ? text_.size() : text_.find('\n', start) + 1) {
    if (text_[start] != '.') continue;
    Reader reader(text_, start);
    std::string_view word = reader.next();
    while (word == ".visible" || word == ".weak" || word == ".extern") word = reader.next();
    if (word == ".entry" || word == ".func") {
      if (word == ".func" && reader.peek() == "(")
        while (reader.next() != ")") {}
      const std::string name(reader.next());
      // a declaration ends without a body
      std::string_view sign;
      do sign = reader.next();
      while (sign != "{" && sign != ";");
      if (sign == "{") at_[name] = start;
    } else if (word == ".shared") {
      std::string_view name;
      for (std::string_view token = reader.next(); token != "["; token = reader.next()) name = token;
      if (reader.next() != "]") throw Fault("PTX: shared memory of a fixed size is not supported");
      shared_.emplace_back(name);
    } else if (word == ".global" || word == ".const") {
      read_global(start);
    } else if (word == ".file") {
      std::string& name = files_[parse_size(reader.next())];
      name = reader.next();
      name = name.substr(name.find_last_of("\"/", name.size() - 2) + 1);
      name.pop_back();
    }
  }
}

// .global .align 4 .b8 name[24] = {65, 144, ...};
void Module::read_global(size_t start) {
  Reader reader(text_, start);
  std::string_view name;
  for (std::string_view token = reader.next(); token != "["; token = reader.next()) name = token;
  std::vector<std::byte>& bytes = globals_[std::string(name)];
  bytes.resize(parse_size(reader.next()));
  reader.expect("]");
  if (reader.next() == ";") return;
  reader.expect("{");
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(parse_size(reader.next()));
    if (reader.next() == "}") break;
  }
}

const Function& Module::function(const std::string& name) {
  std::unique_ptr<Function>& function = functions_[name];
  if (!function) {
    const auto found = at_.find(name);
    if (found == at_.end()) throw Fault("PTX: no function " + name);
    function = read_function(*this, text_, found->second);
  }
  return *function;
}

uint32_t Module::line(size_t at) const { return static_cast<uint32_t>(std::lower_bound(lines_.begin(), lines_.end(), at) - lines_.begin()) + 1; }
std::string Module::where(const Instruction& in) const {
  const auto file = files_.find(in.file);
  const std::string line = "line " + std::to_string(in.line) + " of its PTX";
  return file == files_.end() ? line : file->second + ":" + std::to_string(in.source_line) + ", " + line;
}
std::string_view Module::text(const Instruction& in) const {
  const size_t from = in.line > 1 ? lines_[in.line - 2] + 1 : 0;
  return std::string_view(text_).substr(from, lines_[in.line - 1] - from);
}
std::string_view Module::name(const Instruction& in) const {
  Reader reader(text(in), 0);
  if (reader.peek() != "@") return reader.next();
  while (reader.next().front() != '%') {}
  return reader.next();
}
void Module::write_executed(std::FILE* to) const {
  for (const auto& [name, function] : functions_)
    for (size_t i = 0; i < function->code.size(); ++i) {
      const Instruction& in = function->code[i];
      const std::string_view line = text(in);
      if (function->executed[i] > 0)
        std::fprintf(to, "%lu\t%s\t%s\t%.*s\n", function->executed[i], name.c_str(), where(in).c_str(), static_cast<int>(line.size()), line.data());
    }
}
bool Module::is_shared(std::string_view name) const { return std::find(shared_.begin(), shared_.end(), name) != shared_.end(); }

}  // namespace tandem::ptx
