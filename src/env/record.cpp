#include "env/record.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/crc32c.hpp"
#include "env/task.hpp"

namespace tandem {
namespace {

constexpr int kRecordVersion = 2;

template <class Archive, class Record>
void archive(Archive& bytes, Record& r) {
  bytes(r.robot), bytes(r.settings);
  bytes(r.key.seed), bytes(r.key.world), bytes(r.key.episode);
  bytes(r.progress), bytes(r.termination), bytes(r.naction), bytes(r.action);
}

}  // namespace

std::vector<std::byte> to_bytes(const EpisodeRecord& record) {
  ByteWriter bytes("episode", kRecordVersion);
  archive(bytes, record);
  std::vector<std::byte> out = bytes.finish();
  append_check_sum(out);
  return out;
}

EpisodeRecord record_from_bytes(std::span<const std::byte> bytes) {
  check(bytes.size() > kCheckSumSize, "saved episode: ", bytes.size(), " bytes, not an episode");
  ByteReader reader("episode", kRecordVersion, bytes.first(bytes.size() - kCheckSumSize));
  check(check_sum_is_right(bytes), "saved episode: its check sum is wrong: the file was damaged");
  EpisodeRecord record;
  archive(reader, record);
  check(record.naction >= 1 && record.action.size() % record.naction == 0, "saved episode: ", record.action.size(), " numbers for actions of ",
        record.naction, "; the bytes are damaged");
  return record;
}

std::string settings_text(TaskSettings settings) { return to_json(fields(settings)).dump(); }

TaskSettings settings_of(const EpisodeRecord& record, const Robot& robot) {
  check(record.robot == robot.name, "the episode is one of \"", record.robot, "\", not of \"", robot.name, "\"; name that robot");
  TaskSettings settings = make_task_settings(robot, Controller::kResidual);
  const auto values = nlohmann::ordered_json::parse(record.settings, nullptr, false);
  check(values.is_object(), "the episode's settings cannot be read; run it with the program that wrote it");
  for (const Field& field : fields(settings)) {
    check(values.contains(field.name), "the episode has no value of ", field.name, "; run it with the program that wrote it");
    set_field(field, values[field.name]);
  }
  return settings;
}

Replay replay(const EpisodeRecord& record, const Robot& robot) {
  const TaskSettings settings = settings_of(record, robot);
  Task task(robot, settings, 1, 1, record.key.seed, record.key.world);
  check(record.naction == task.naction, "the episode has ", record.naction, " numbers per action, \"", robot.name, "\" takes ", task.naction,
        "; its robot.toml has changed since");
  task.set_progress(record.progress);
  task.reset(record.key.episode);
  Replay result;
  const SimOutput& out = task.loop().simulator().output;
  for (size_t first = 0; first < record.action.size() && result.termination.empty(); first += record.naction) {
    result.q.insert(result.q.end(), out.q.begin(), out.q.end());
    result.v.insert(result.v.end(), out.v.begin(), out.v.end());
    task.step(std::span(record.action).subspan(first, record.naction));
    result.terms.insert(result.terms.end(), task.terms.begin(), task.terms.end());
    if (task.done[0]) result.termination = task.termination_names[task.termination[0]];
  }
  return result;
}

}  // namespace tandem
