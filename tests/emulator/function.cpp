// Reads a function of a PTX module.
#include "tests/emulator/reader.hpp"

namespace tandem::ptx {
namespace {

std::vector<std::string_view> split(std::string_view name, char by) {
  std::vector<std::string_view> parts;
  for (size_t from = 0, to = 0; to != std::string_view::npos; from = to + 1) parts.push_back(name.substr(from, (to = name.find(by, from)) - from));
  return parts;
}

struct Register {
  uint32_t row;
  int width;  // bytes, 0 of a predicate
};
// %f<2076>: numbered from 0.
struct Registers {
  std::string_view prefix;
  Register first;
};
// What a name in a block of braces means.
struct Scope {
  std::map<std::string_view, Register> registers;
  std::vector<Registers> numbered;
  std::map<std::string_view, Variable> local;  // .local and .param variables of a lane
};

class FunctionReader {
 public:
  FunctionReader(Module& module, std::string_view text, size_t at) : module_(module), reader_(text, at) {}

  std::unique_ptr<Function> read() {
    function_ = std::make_unique<Function>();
    scopes_.emplace_back();
    std::string_view word = reader_.next();
    while (word != ".entry" && word != ".func") word = reader_.next();
    entry_ = word == ".entry";
    if (reader_.peek() == "(") function_->result = read_parameters().at(0);
    function_->name = reader_.next();
    if (reader_.peek() == "(") function_->parameters = read_parameters();
    while ((word = reader_.next()) != "{")
      if (word == ".maxntid") function_->threads_at_most = static_cast<int>(parse_size(reader_.next()));
    read_body();
    return std::move(function_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Fault("PTX line " + std::to_string(module_.line(reader_.at())) + ", " + function_->name + ": " + what);
  }

  // ( .param .align 8 .b8 name[992], .param .u32 name )
  std::vector<Variable> read_parameters() {
    std::vector<Variable> all;
    reader_.expect("(");
    while (reader_.peek() != ")") {
      if (reader_.peek() == ",") reader_.next();
      reader_.expect(".param");
      all.push_back(read_variable(entry_ ? parameters_ : scopes_.front().local, entry_ ? function_->parameter_bytes : function_->local_bytes));
    }
    reader_.expect(")");
    return all;
  }

  // .align 8 .b8 name[992] or .u32 name: gets the next bytes of a space, of which `used` are taken.
  Variable read_variable(std::map<std::string_view, Variable>& names, uint32_t& used) {
    uint32_t align = 1, size;
    if (reader_.peek() == ".align") reader_.next(), align = parse_size(reader_.next());
    size = static_cast<uint32_t>(width_of(reader_.next()));
    align = std::max(align, size);
    const std::string_view name = reader_.next();
    if (reader_.peek() == "[") {
      reader_.next();
      size *= parse_size(reader_.next());
      reader_.expect("]");
    }
    used = (used + align - 1) / align * align;
    const Variable variable{used, size};
    used += size;
    names[name] = variable;
    return variable;
  }

  void read_body() {
    for (;;) {
      const std::string_view word = reader_.next();
      if (word == "{") {
        scopes_.emplace_back();
      } else if (word == "}") {
        scopes_.pop_back();
        if (scopes_.empty()) break;
      } else if (word == ".reg") {
        read_registers();
      } else if (word == ".local" || word == ".param") {
        const Variable variable = read_variable(scopes_.back().local, function_->local_bytes);
        if (word == ".local") function_->stack_bytes += variable.size;
        reader_.expect(";");
      } else if (word == ".pragma") {
        reader_.next(), reader_.expect(";");
      } else if (word == ".loc") {
        file_ = parse_size(reader_.next()), source_line_ = parse_size(reader_.next());
        reader_.skip_line();
      } else if (word == ".shared") {
        fail("shared memory of a fixed size is not supported");
      } else if (reader_.peek() == ":") {
        reader_.next();
        labels_[word] = static_cast<uint32_t>(function_->code.size());
      } else {
        read_instruction(word);
      }
    }
    function_->local_bytes = (function_->local_bytes + 7) / 8 * 8;
    for (const auto& [at, label] : jumps_) {
      const auto found = labels_.find(label);
      if (found == labels_.end()) fail("no label " + std::string(label));
      function_->code[at].target = found->second;
    }
    function_->executed.resize(function_->code.size());
  }

  uint32_t new_row(int width) {
    const uint32_t row = function_->frame_bytes;
    function_->frame_bytes += static_cast<uint32_t>(row_bytes(width));
    return row;
  }

  void read_registers() {
    const int width = width_of(reader_.next());
    for (std::string_view sign = ","; sign == ",";) {
      const std::string_view name = reader_.next();
      sign = reader_.next();
      if (sign == "<") {
        const uint32_t n = parse_size(reader_.next());
        reader_.expect(">");
        scopes_.back().numbered.push_back({name, {function_->frame_bytes, width}});
        function_->frame_bytes += n * static_cast<uint32_t>(row_bytes(width));
        sign = reader_.next();
      } else {
        scopes_.back().registers[name] = {new_row(width), width};
      }
      if (sign != "," && sign != ";") fail("'" + std::string(sign) + "' after a register");
    }
  }

  std::optional<Register> find_register(std::string_view name) const {
    const size_t digits = name.find_last_not_of("0123456789") + 1;
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (const auto found = scope->registers.find(name); found != scope->registers.end()) return found->second;
      if (digits < name.size())
        for (const Registers& r : scope->numbered)
          if (r.prefix == name.substr(0, digits))
            return Register{r.first.row + parse_size(name.substr(digits)) * static_cast<uint32_t>(row_bytes(r.first.width)), r.first.width};
    }
    return {};
  }

  uint32_t constant(uint64_t value, int width) {
    const auto [found, is_new] = constants_.try_emplace({value, width}, 0);
    if (is_new) {
      found->second = new_row(width);
      function_->constants.push_back({found->second, width, value});
    }
    return found->second;
  }
  uint32_t once(std::map<std::string_view, uint32_t>& rows, std::string_view name, int width, bool& is_new) {
    const auto [found, inserted] = rows.try_emplace(name, 0);
    if (inserted) found->second = new_row(width);
    is_new = inserted;
    return found->second;
  }

  // The row of an operand that is read: register, number, special register or address of a variable.
  Register read_operand(int width) {
    std::string_view token = reader_.next();
    const bool minus = token == "-", negated = token == "!";
    if (minus || negated) token = reader_.next();
    if (const auto number = parse_number(token)) return {constant(minus ? 0 - *number : *number, width), width};
    if (const auto found = find_register(token)) {
      if (negated) fail("a negated operand is not supported");
      return *found;
    }
    bool is_new = false;
    constexpr std::pair<std::string_view, Special> kSpecial[] = {
        {"%tid.x", Special::kThread}, {"%ntid.x", Special::kThreads}, {"%ctaid.x", Special::kBlock}, {"%nctaid.x", Special::kBlocks}};
    for (const auto& [name, what] : kSpecial)
      if (name == token) {
        const uint32_t row = once(rows_, token, 4, is_new);
        if (is_new) function_->special_rows.push_back({row, what});
        return {row, 4};
      }
    if (const auto found = parameters_.find(token); found != parameters_.end()) {
      const uint32_t row = once(rows_, token, 8, is_new);
      if (is_new) function_->parameter_rows.push_back({row, found->second.at});
      return {row, 8};
    }
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (const auto found = scope->local.find(token); found != scope->local.end()) {
        // names of inner scopes come again with other places
        const uint32_t row = new_row(8);
        function_->local_rows.push_back({row, found->second.at});
        return {row, 8};
      }
    if (const auto found = module_.globals().find(token); found != module_.globals().end())
      return {constant(reinterpret_cast<uint64_t>(found->second.data()), 8), 8};
    if (module_.is_shared(token)) return {constant(0, width), width};
    fail("the operand '" + std::string(token) + "' is not supported");
  }

  // [name+8]
  void read_address(Instruction& in, bool& wide) {
    reader_.expect("[");
    const Register base = read_operand(8);
    in.s[0] = base.row;
    wide = base.width == 8;
    std::string_view token = reader_.next();
    if (token == "+") {
      const bool minus = reader_.peek() == "-";
      if (minus) reader_.next();
      in.offset = static_cast<int64_t>(*parse_number(reader_.next())) * (minus ? -1 : 1);
      token = reader_.next();
    }
    if (token != "]") fail("'" + std::string(token) + "' in an address");
  }

  // %f1 or {%f1, %f2}
  int read_numbers(Instruction& in, int width) {
    int register_width = 0;
    const auto one = [&](uint32_t& row) {
      const Register r = read_operand(width);
      row = r.row, register_width = r.width;
    };
    if (reader_.peek() != "{") return one(in.d), register_width;
    reader_.next();
    for (int i = 0; i < in.count; ++i) {
      one(i == 0 ? in.d : in.s[i]);
      reader_.expect(i + 1 < in.count ? "," : "}");
    }
    return register_width;
  }

  void read_instruction(std::string_view word) {
    Instruction in;
    in.line = module_.line(reader_.at()), in.file = file_, in.source_line = source_line_;
    if (word == "@") {
      in.guarded = true;
      in.negated = reader_.peek() == "!";
      if (in.negated) reader_.next();
      in.guard = read_operand(0).row;
      word = reader_.next();
    }
    if (word == "bra" || word == "bra.uni") {
      in.flow = Flow::kBranch;
      jumps_.push_back({function_->code.size(), reader_.next()});
    } else if (word == "ret") {
      in.flow = Flow::kReturn;
    } else if (word == "bar.sync") {
      if (reader_.next() != "0") fail("a barrier other than number 0 is not supported");
      in.flow = Flow::kBlockBarrier;
    } else if (word == "bar.warp.sync") {
      std::string_view mask = reader_.next();
      if (mask == "-") mask = reader_.next();
      if (mask != "1" && mask != "0xffffffff") fail("bar.warp.sync of some lanes is not supported");
      in.flow = Flow::kWarpBarrier;
    } else if (word.starts_with("call")) {
      in.flow = Flow::kCall;
      in.target = static_cast<uint32_t>(function_->calls.size());
      function_->calls.push_back(read_call());
    } else if (word.starts_with("ld.") || word.starts_with("st.")) {
      read_access(word, in);
    } else if (word == "cp.async.wait_all") {
      in.run = copies_end();
    } else if (word.starts_with("cp.async.")) {
      read_copy(in);
    } else if (word.starts_with("prefetch")) {
      bool wide;
      in.run = checked(word)->run;
      read_address(in, wide);
    } else {
      read_plain(word, in);
    }
    reader_.expect(";");
    function_->code.push_back(in);
  }

  // cp.async.cg.shared.global [to], [from], 16
  void read_copy(Instruction& in) {
    bool wide, from_wide;
    Instruction from;
    read_address(from, from_wide), in.s[0] = from.s[0], reader_.expect(",");
    const int64_t offset = from.offset;
    read_address(from, wide), in.d = from.s[0], reader_.expect(",");
    const auto size = parse_number(reader_.next());
    in.run = size ? find_copy(static_cast<int>(*size)) : nullptr;
    if (!in.run || !wide || !from_wide || offset != 0 || from.offset != 0) fail("this kind of cp.async is not supported");
  }

  const Operation* checked(std::string_view name) const {
    const Operation* operation = find_operation(name);
    if (!operation) fail("the instruction '" + std::string(name) + "' is not supported");
    return operation;
  }

  void read_plain(std::string_view word, Instruction& in) {
    if (word == "mov.b64" && reader_.peek() == "{") return read_unpack(in);
    const Register to = read_operand(8);
    reader_.expect(",");
    in.d = to.row;
    if (word == "mov.b64" && reader_.peek() == "{") {
      reader_.next();
      in.run = checked("mov.pack.b64")->run;
      in.s[0] = read_operand(4).row, reader_.expect(",");
      in.s[1] = read_operand(4).row, reader_.expect("}");
      return;
    }
    const Operation* operation = checked(word);
    in.run = operation->run;
    for (size_t i = 1; i < operation->operands.size(); ++i) {
      const int width = width_of(operation->operands[i]);
      const Register from = read_operand(width);
      if (from.width != width) fail(std::string(word) + ": an operand of another width");
      in.s[i - 1] = from.row;
      if (i + 1 < operation->operands.size()) reader_.expect(",");
    }
    if (to.width != width_of(operation->operands[0])) fail(std::string(word) + ": a result of another width");
  }
  void read_unpack(Instruction& in) {
    in.run = checked("mov.unpack.b64")->run;
    reader_.expect("{");
    in.d = read_operand(4).row, reader_.expect(",");
    in.s[1] = read_operand(4).row, reader_.expect("}"), reader_.expect(",");
    in.s[0] = read_operand(8).row;
  }

  // ld.shared.v4.f32 {a, b, c, d}, [address]; st.f32 [address], a
  void read_access(std::string_view word, Instruction& in) {
    const std::vector<std::string_view> parts = split(word, '.');
    const std::string_view type = parts.back();
    const bool is_load = parts[0] == "ld", shared = parts[1] == "shared";
    for (const std::string_view part : parts)
      if (part == "v2" || part == "v4") in.count = static_cast<uint8_t>(part[1] - '0');
    const int width = std::max(2, width_of("." + std::string(type)));  // registers have 16 bits at least
    bool wide = true;
    int register_width;
    if (is_load) {
      register_width = read_numbers(in, width);
      reader_.expect(",");
      read_address(in, wide);
    } else {
      read_address(in, wide);
      reader_.expect(",");
      register_width = read_numbers(in, width);
    }
    in.run = is_load ? find_load(type, register_width, shared, wide) : find_store(type, register_width, shared, wide);
    if (!in.run || (!shared && !wide)) fail("the instruction '" + std::string(word) + "' is not supported");
  }

  // call.uni (retval0), name, ( param0 );
  Call read_call() {
    Call call;
    if (reader_.peek() == "(") {
      reader_.next();
      call.result = local(reader_.next()), call.has_result = true;
      reader_.expect(")"), reader_.expect(",");
    }
    call.function = reader_.next();
    if (reader_.peek() == ",") {
      reader_.next(), reader_.expect("(");
      while (reader_.peek() != ")") {
        if (reader_.peek() == ",") reader_.next();
        call.arguments.push_back(local(reader_.next()));
      }
      reader_.next();
    }
    return call;
  }
  Variable local(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (const auto found = scope->local.find(name); found != scope->local.end()) return found->second;
    fail("no variable " + std::string(name));
  }

  Module& module_;
  Reader reader_;
  std::unique_ptr<Function> function_;
  bool entry_ = false;
  uint32_t file_ = 0, source_line_ = 0;
  std::vector<Scope> scopes_;
  std::map<std::string_view, Variable> parameters_;
  std::map<std::string_view, uint32_t> labels_, rows_;
  std::map<std::pair<uint64_t, int>, uint32_t> constants_;
  std::vector<std::pair<size_t, std::string_view>> jumps_;
};

}  // namespace

std::unique_ptr<Function> read_function(Module& module, std::string_view text, size_t at) { return FunctionReader(module, text, at).read(); }

}  // namespace tandem::ptx
