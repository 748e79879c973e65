// Settings by name: texts, JSON and TOML set them, what is written reads back to the same values, and every mistake is answered with the cure.
#include "model/fields.hpp"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "tests/model/support.hpp"
#include "tests/support/message_of.hpp"

namespace tandem {
namespace {

enum class Colour : int { kRed, kGreen, kBlue };

// One of every kind.
struct Everything {
  double number = 1;
  float single = 0.1f;
  int whole = 3;
  std::uint64_t seed = 7;
  bool truth = true;
  std::string text = "a \"b\"\\c";
  double triple[3] = {1, 2, 3};
  double interval[2] = {-1, 1};
  std::vector<double> list{1, 2};
  std::vector<double> free{0.5};
  Colour colour = Colour::kGreen;
};

Fields fields(Everything& e) {
  return {{"name", &e.text},
          {"a.number", &e.number, more_than(0)},
          {"a.single", &e.single, {0, 2, true, true}},
          {"a.whole", &e.whole, at_least(1)},
          {"b.triple", Triple{e.triple}, at_least(0)},
          {"b.interval", Interval{e.interval}, {-5, 5}},
          {"b.list", &e.list},
          {"b.free", FreeList{&e.free}, {0, 1, true}},
          {"b.c.colour", make_choice(&e.colour, {"red", "green", "blue"})},
          {"b.c.truth", &e.truth},
          {"a.seed", &e.seed, at_least(0)}};
}

class Settings : public testing::Test {
 protected:
  ~Settings() override { std::filesystem::remove(path); }
  std::string message_of_text(const std::string& assignment) {
    return message_of([&] { apply_assignment(named, assignment); });
  }
  std::string message_of_file(const std::string& text, const std::string& table = "") {
    write_file(path, text);
    return message_of([&] { read_fields(path, named, table); });
  }

  Everything e;
  const Fields named = fields(e);
  const std::string path = (std::filesystem::temp_directory_path() / cat("tandem_fields_", getpid(), ".toml")).string();
};

TEST_F(Settings, AreSetByText) {
  for (const char* assignment : {"a.number=2.5", "a.single=1.5", "a.whole=4", "a.seed=9007199254740992", "b.c.truth=false", "name=x=y",
                                 "b.triple=4,5,6", "b.interval=2", "b.list=[7, 8]", "b.free=0.1,0.2,0.3", "b.c.colour=blue"})
    ASSERT_EQ(message_of_text(assignment), "") << assignment;
  EXPECT_EQ(e.number, 2.5);
  EXPECT_EQ(e.single, 1.5f);
  EXPECT_EQ(e.whole, 4);
  EXPECT_EQ(e.seed, 9007199254740992u);
  EXPECT_FALSE(e.truth);
  EXPECT_EQ(e.text, "x=y");
  EXPECT_EQ(e.triple[2], 6);
  EXPECT_EQ(e.interval[0], 2);
  EXPECT_EQ(e.interval[1], 2);
  EXPECT_EQ(e.list, (std::vector<double>{7, 8}));
  EXPECT_EQ(e.free, (std::vector<double>{0.1, 0.2, 0.3}));
  EXPECT_EQ(e.colour, Colour::kBlue);
}

TEST_F(Settings, AreSetByAFile) {
  ASSERT_EQ(message_of_file("name = \"n\"\n[a]\nnumber = 2\nsingle = 0.3\nseed = 12\n[b]\ntriple = 5\ninterval = [1, 2.5]\nfree = [1]\n"
                            "[b.c]\ncolour = \"red\"\ntruth = false\n"),
            "");
  EXPECT_EQ(e.text, "n");
  EXPECT_EQ(e.number, 2);
  EXPECT_EQ(e.single, 0.3f);
  EXPECT_EQ(e.seed, 12u);
  EXPECT_EQ(e.triple[1], 5);
  EXPECT_EQ(e.interval[1], 2.5);
  EXPECT_EQ(e.free, std::vector<double>{1});
  EXPECT_EQ(e.colour, Colour::kRed);
  EXPECT_FALSE(e.truth);
  EXPECT_EQ(e.whole, 3) << "was not named";
}

TEST_F(Settings, OfOneTableOfAFileLeaveTheRestAlone) {
  const std::string text = "[robot]\nkp = 3\n[task.a]\nwhole = 8\n";
  EXPECT_EQ(message_of_file(text, "task"), "");
  EXPECT_EQ(e.whole, 8);
  EXPECT_EQ(message_of_file(text, "missing"), "");
}

TEST_F(Settings, PassOverForeignTables) {
  write_file(path, "[a]\nwhole = 8\n[ppo]\ngamma = 0.9\n");
  read_fields(path, named, "", {"ppo"});
  EXPECT_EQ(e.whole, 8);
}

TEST_F(Settings, WrittenAsTomlReadBackToTheSameValues) {
  e = {1.0 / 3,   1.0f / 3, -1,           1u << 31, false, "tab\tquote\"back\\slash", {1e-300, 1e300, 0.1}, {-0.1, 4.9999999999999991},
       {1e-7, 2}, {0.1, 1}, Colour::kBlue};
  e.whole = 123456789;
  write_file(path, to_toml(named));
  Everything other;
  read_fields(path, fields(other));
  EXPECT_EQ(to_json(fields(other)), to_json(named));
  EXPECT_EQ(other.number, e.number);
  EXPECT_EQ(other.single, e.single);
  EXPECT_EQ(other.text, e.text);
  EXPECT_EQ(other.interval[1], e.interval[1]);
  EXPECT_EQ(other.triple[0], e.triple[0]);
}

TEST_F(Settings, AreInTheReportUnderTheirNames) {
  const auto json = to_json(named);
  EXPECT_EQ(json.size(), named.size());
  EXPECT_EQ(json["a.single"].dump(), "0.1");
  EXPECT_EQ(json["b.c.colour"], "green");
  EXPECT_EQ(json["b.interval"].dump(), "[-1.0,1.0]");
}

TEST_F(Settings, ReadBackFromJson) {
  Everything other;
  const Fields to = fields(other);
  e.colour = Colour::kRed;
  e.free = {0.1, 0.2};
  for (size_t i = 0; i < named.size(); ++i) set_field(to[i], value_of(named[i]));
  EXPECT_EQ(to_json(to), to_json(named));
}

struct Wrong {
  const char* assignment;
  const char* message;
};

TEST_F(Settings, RefuseWrongTextsAndStayAsTheyWere) {
  const auto before = to_json(named);
  const Wrong wrongs[] = {{"a.whole=ten", "a.whole = ten, expected a number"},
                          {"a.whole=2.5", "a.whole = 2.5, expected a whole number"},
                          {"a.whole=0", "a.whole = 0, expected at least 1"},
                          {"a.whole=1e10", "a.whole = 1e10, expected at most 1e+09"},
                          {"a.whole=", "a.whole = , expected a number"},
                          {"a.single=1e39", "a.single = 1e39, expected"},
                          {"a.number=nan", "a.number = nan, expected a number"},
                          {"a.number=0", "a.number = 0, expected more than 0"},
                          {"a.single=2", "a.single = 2, expected between 0 and 2"},
                          {"a.whole=[1]", "a.whole = [1], expected a number"},
                          {"b.triple=[1,2,3", "b.triple = [1,2,3, expected numbers"},
                          {"b.triple=1,2", "b.triple has 2 values, expected 1 or 3"},
                          {"b.triple=1,-2,3", "b.triple = 1,-2,3, expected at least 0"},
                          {"b.interval=2,1", "b.interval = 2,1, expected the lower value first"},
                          {"b.interval=-6,1", "b.interval = -6,1, expected -5 to 5"},
                          {"b.free=0", "b.free = 0, expected more than 0, at most 1"},
                          {"b.c.truth=maybe", "b.c.truth = maybe, expected true or false"},
                          {"b.c.colour=pink", "b.c.colour = pink, expected red, green or blue"},
                          {"a.wole=1", "--set a.wole=1: there is no setting \"a.wole\"; nearest: \"a.whole\""},
                          {"a.whole", "--set a.whole: expected name=value"},
                          {"=3", "--set =3: expected name=value"}};
  for (const auto& [assignment, expected] : wrongs) EXPECT_EQ(message_of_text(assignment).substr(0, std::string(expected).size()), expected);
  EXPECT_EQ(to_json(named), before);
}

TEST_F(Settings, RefuseWrongFilesNamingTheLine) {
  const Wrong wrongs[] = {{"[a]\n\nwole = 1", ":3: there is no setting \"a.wole\"; nearest: \"a.whole\""},
                          {"[aa]\nwhole = 1", ":2: there is no setting \"aa.whole\"; nearest: \"a.whole\""},
                          {"[aa]", ":1: there is no setting \"aa\""},
                          {"[a]\nwhole = \"3\"", ":2: a.whole = '3', expected a number"},
                          {"[a]\nwhole = true", ":2: a.whole = true, expected a number"},
                          {"[a]\nnumber = nan", ":2: a.number = nan, expected a finite number"},
                          {"[a]\nnumber = [1.0]", ":2: a.number = [ 1.0 ], expected a number"},
                          {"[a]\nnumber = 1979-05-27", ":2: a.number = 1979-05-27, expected a number"},
                          {"[a.number]\nx = 3", ":2: there is no setting \"a.number.x\""},
                          {"[b]\ntriple = [1, 2]", ":2: b.triple has 2 values, expected 1 or 3"},
                          {"[b]\ntriple = [1, \"2\", 3]", ":2: b.triple = [ 1, '2', 3 ], expected finite numbers"},
                          {"[b]\nfree = []", ":2: b.free = [], expected at least one number"},
                          {"[b.c]\ncolour = 1", ":2: b.c.colour = 1, expected red, green or blue"},
                          {"[b.c]\ntruth = 1", ":2: b.c.truth = 1, expected true or false"},
                          {"name = 3", ":1: name = 3, expected a text in quotes"},
                          {"a = 3", ":1: there is no setting \"a\""},
                          {"[a]\nwhole = = 3", ":2: "}};
  for (const auto& [text, expected] : wrongs) {
    const std::string full = path + expected;
    EXPECT_EQ(message_of_file(text).substr(0, full.size()), full) << text;
  }
}

TEST_F(Settings, OfAMissingFileAreAnError) {
  EXPECT_NE(message_of([&] { read_fields("/no/such/file.toml", named); }).find("/no/such/file.toml"), std::string::npos);
}

TEST(ParseNumbers, WantsAsManyAsAskedFor) {
  EXPECT_EQ(parse_numbers("1,-2.5,3e-1", 3, "x"), (std::vector<double>{1, -2.5, 0.3}));
  for (const char* wrong : {"1,2", "1,2,", "a,b,c", "", "1 2 3", "1,2,inf"}) EXPECT_THROW(parse_numbers(wrong, 3, "x"), Error) << wrong;
}

}  // namespace
}  // namespace tandem
