// Damaged copies of the robots' files: each one loads or is refused with an Error, and none brings the process down.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "base/check.hpp"
#include "model/robot.hpp"
#include "tests/model/support.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;
constexpr int kCopies = 260;  // per robot
constexpr int kSeconds = 20;  // a copy that takes longer hangs

using Random = std::mt19937;
size_t pick(Random& rng, size_t n) { return n ? rng() % n : 0; }

// [begin, end) of the numbers, or of the quoted texts, of a file
std::vector<std::pair<size_t, size_t>> spans(const std::string& text, bool numbers) {
  std::vector<std::pair<size_t, size_t>> out;
  const std::string digits = "0123456789.-e";
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_number =
        std::isdigit(static_cast<unsigned char>(text[i])) && i > 0 && std::string(" \"[-").find(text[i - 1]) != std::string::npos;
    if (numbers ? !starts_number : text[i] != '"') continue;
    const size_t end = numbers ? text.find_first_not_of(digits, i) : text.find('"', i + 1);
    if (end == std::string::npos) break;
    out.emplace_back(numbers ? i : i + 1, end);
    i = end;
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line + "\n");
  return out;
}

void damage_lines(std::string& text, Random& rng, int how) {
  std::vector<std::string> lines = lines_of(text);
  if (lines.empty()) return;
  const size_t a = pick(rng, lines.size()), b = pick(rng, lines.size());
  if (how == 0) lines.insert(lines.begin() + a, lines[b]);
  if (how == 1) lines.erase(lines.begin() + a);
  if (how == 2) std::swap(lines[a], lines[b]);
  text.clear();
  for (const std::string& line : lines) text += line;
}

void damage(std::string& text, Random& rng) {
  static const char* const kValues[] = {"nan",  "inf", "-inf", "-1", "0", "1e400", "1e308", "-1e-320", "text", "", "1 2 3", "99999999999999999999",
                                        "0x10", "--1", "true"};
  static const int kKinds[] = {0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 8, 8, 8};
  const int kind = kKinds[pick(rng, std::size(kKinds))];
  if (kind < 3) return damage_lines(text, rng, kind);
  if (text.empty()) return;
  const size_t at = pick(rng, text.size());
  if (kind == 3) {
    for (size_t n = 1 + pick(rng, 6); n > 0; --n) text[pick(rng, text.size())] ^= static_cast<char>(1 << pick(rng, 8));
  } else if (kind == 4) {
    text.erase(at, 1 + pick(rng, 60));
  } else if (kind == 5) {
    text.resize(at);
  } else if (kind == 6) {
    text.insert(at, text.substr(pick(rng, text.size()), pick(rng, 400)));
  } else {
    const bool numbers = kind == 7;
    const auto found = spans(text, numbers);
    if (found.empty()) return;
    const auto [begin, end] = found[pick(rng, found.size())];
    const auto [other, other_end] = found[pick(rng, found.size())];
    text.replace(begin, end - begin, numbers ? kValues[pick(rng, std::size(kValues))] : text.substr(other, other_end - other));
  }
}

const std::string kRobots = TANDEM_SOURCE_DIR "/robots/";

// The three files of a robot with one of them damaged once or twice, written to `folder`; returns the path of robot.toml.
std::string write_damaged(const fs::path& folder, const std::string& robot, unsigned seed) {
  Random rng(seed);
  const std::vector<std::string> files{robot + "/" + robot + ".xml", robot + "/robot.toml", "scene.xml"};
  const size_t share[] = {0, 0, 0, 1, 1, 1, 2};
  const std::string& damaged = files[share[pick(rng, std::size(share))]];
  fs::create_directories(folder / robot);
  for (const std::string& file : files) {
    std::stringstream text;
    text << std::ifstream(kRobots + file, std::ios::binary).rdbuf();
    std::string content = text.str();
    if (file == damaged)
      for (size_t n = 1 + pick(rng, 4) / 3; n > 0; --n) damage(content, rng);
    write_file(folder / file, content);
  }
  return folder / robot / "robot.toml";
}

// 'l' loaded, 'r' refused in good order, 'b' refused with a message that does not name the file
char outcome(const fs::path& folder, const std::string& robot, unsigned seed) {
  const std::string path = write_damaged(folder, robot, seed);
  try {
    load_robot(path);
    return 'l';
  } catch (const Error& error) {
    return std::string(error.what()).find((folder / robot).string()) != std::string::npos ? 'r' : 'b';
  }
}

class Damaged : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, Damaged, testing::Values("mit_humanoid", "unitree_g1", "unitree_go2"),
                         [](const auto& info) { return std::string(info.param); });

// A child process loads the copies one after the other and reports each by a letter; when it dies, the copy it was at is the culprit and a new child goes on.
TEST_P(Damaged, CopiesLoadOrAreRefused) {
  const std::string robot = GetParam();
  const fs::path folder = fs::temp_directory_path() / cat("tandem_damaged_", robot, "_", getpid());
  std::map<char, int> count;
  for (unsigned seed = 1; seed <= kCopies;) {
    int channel[2];
    ASSERT_EQ(pipe(channel), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const int silent = open("/dev/null", O_WRONLY);
      dup2(silent, STDOUT_FILENO);
      dup2(silent, STDERR_FILENO);
      for (unsigned s = seed; s <= kCopies; ++s) {
        alarm(kSeconds);
        const char letter = outcome(folder, robot, s);
        if (write(channel[1], &letter, 1) != 1) break;
      }
      _exit(0);
    }
    close(channel[1]);
    for (char letter; read(channel[0], &letter, 1) == 1; ++seed) {
      ++count[letter];
      EXPECT_NE(letter, 'b') << robot << ", seed " << seed << ": the message does not name the file";
    }
    close(channel[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (seed > kCopies) break;
    ADD_FAILURE() << robot << ", seed " << seed << ": ended the process with "
                  << (WIFSIGNALED(status) ? cat("signal ", WTERMSIG(status)) : cat("exit code ", WEXITSTATUS(status)));
    ++seed;
  }
  fs::remove_all(folder);
  EXPECT_GT(count['l'], 0);
  EXPECT_GT(count['r'], kCopies / 4);
  RecordProperty("loaded", count['l']);
  RecordProperty("refused", count['r']);
}

}  // namespace
}  // namespace tandem
