#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/lifecycle/health.hpp"
#include "common/lifecycle/healthcheck.hpp"
#include "common/lifecycle/metrics.hpp"
#include "common/lifecycle/origin_watch.hpp"
#include "common/lifecycle/pid_file.hpp"
#include "common/lifecycle/process.hpp"
#include "common/lifecycle/settings.hpp"
#include "common/lifecycle/signals.hpp"
#include "common/lifecycle/surface.hpp"
#include "common/log/settings.hpp"
#include "common/metrics/listener.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::lifecycle {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

// health

class HealthTest : public testing::Test {
 protected:
  support::FakeClock clock_;
  Health health_{clock_};
};

TEST_F(HealthTest, IsReadyOnceEveryPartIs) {
  EXPECT_TRUE(health_.readyz().ok);  // nothing is required
  health_.require("redis", 30s);
  health_.require("scripts");
  EXPECT_FALSE(health_.readyz().ok);
  health_.ready("redis");
  EXPECT_FALSE(health_.readyz().ok);
  health_.ready("scripts");
  EXPECT_TRUE(health_.readyz().ok);
  EXPECT_EQ(health_.readyz().text, "ready\n");
}

TEST_F(HealthTest, APartThatWasNeverReadyHasNoGrace) {
  health_.require("redis", 30s);
  health_.unready("redis", "connection refused");
  EXPECT_FALSE(health_.readyz().ok);
  EXPECT_THAT(health_.readyz().text, AllOf(HasSubstr("not ready"), HasSubstr("redis: connection refused")));
}

TEST_F(HealthTest, APartThatFlapsCountsOnlyAfterItsGrace) {
  health_.require("redis", 30s);
  health_.ready("redis");
  health_.unready("redis", "connection refused");
  EXPECT_TRUE(health_.readyz().ok);
  EXPECT_THAT(health_.readyz().text, HasSubstr("redis: connection refused"));  // said all the same
  clock_.advance(29999ms);
  EXPECT_TRUE(health_.readyz().ok);
  clock_.advance(1ms);
  EXPECT_FALSE(health_.readyz().ok);
  EXPECT_THAT(health_.readyz().text, HasSubstr("30 s"));
}

TEST_F(HealthTest, TheGraceRunsFromTheFirstReportAndStartsAnewAfterRecovery) {
  health_.require("redis", 30s);
  health_.ready("redis");
  health_.unready("redis", "first");
  clock_.advance(20s);
  health_.unready("redis", "second");
  clock_.advance(10s);
  EXPECT_FALSE(health_.readyz().ok);
  EXPECT_THAT(health_.readyz().text, HasSubstr("second"));
  health_.ready("redis");
  EXPECT_TRUE(health_.readyz().ok);
  health_.unready("redis", "third");
  clock_.advance(29s);
  EXPECT_TRUE(health_.readyz().ok);
}

TEST_F(HealthTest, APartWithoutGraceCountsAtOnce) {
  health_.require("scripts");
  health_.ready("scripts");
  health_.unready("scripts", "gone");
  EXPECT_FALSE(health_.readyz().ok);
}

TEST_F(HealthTest, StoppingIsUnreadyAtOnceAndForGood) {
  health_.require("redis", 30s);
  health_.ready("redis");
  health_.stopping();
  EXPECT_FALSE(health_.readyz().ok);
  EXPECT_EQ(health_.readyz().text, "stopping\n");
  health_.ready("redis");
  EXPECT_FALSE(health_.readyz().ok);
  EXPECT_TRUE(health_.livez().ok);
}

TEST_F(HealthTest, LivesWhileItsLoopsTurn) {
  health_.watch("writer", 5s);
  clock_.advance(3600s);
  EXPECT_TRUE(health_.livez().ok);  // not armed before its first beat
  health_.beat("writer");
  clock_.advance(5s);
  EXPECT_TRUE(health_.livez().ok);
  clock_.advance(1ms);
  EXPECT_FALSE(health_.livez().ok);
  EXPECT_THAT(health_.livez().text, HasSubstr("writer: silent for 5 s"));
  health_.beat("writer");
  EXPECT_TRUE(health_.livez().ok);
}

TEST_F(HealthTest, HasHungWhenALoopBeatsNoMoreFromLookToLook) {
  health_.watch("http", 10s);
  health_.watch("writer", 10s);
  const auto look = [&] {
    clock_.advance(1s);
    return health_.hung(5s);
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(look(), "") << "not armed before its first beat";
  health_.beat("http");
  health_.beat("writer");
  EXPECT_EQ(look(), "");
  for (int i = 0; i < 4; ++i) {
    health_.beat("writer");
    EXPECT_EQ(look(), "");
  }
  health_.beat("writer");
  EXPECT_EQ(look(), "http");
  for (int i = 0; i < 5; ++i) look();
  EXPECT_EQ(look(), "http, writer");
  health_.beat("http");
  health_.beat("writer");
  EXPECT_EQ(look(), "");
}

TEST_F(HealthTest, HasNotHungWhenTheWholeProcessWasStopped) {
  health_.watch("http", 10s);
  health_.beat("http");
  EXPECT_EQ(health_.hung(5s), "");
  clock_.advance(1h);  // SIGSTOP, or the machine slept
  EXPECT_EQ(health_.hung(5s), "");
  EXPECT_FALSE(health_.livez().ok);
  health_.beat("http");
  clock_.advance(1h);
  EXPECT_EQ(health_.hung(5s), "");
}

TEST_F(HealthTest, ReadinessAndLivenessAreApart) {
  health_.require("redis");
  health_.watch("writer", 5s);
  health_.beat("writer");
  EXPECT_TRUE(health_.livez().ok);
  EXPECT_FALSE(health_.readyz().ok);
}

TEST_F(HealthTest, AnUnknownNameIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(health_.ready("redis"), "known");
  EXPECT_DEATH(health_.beat("writer"), "known");
}

// signals

TEST(Signals, StopsOnTermAndOnInterrupt) {
  for (const int number : {SIGTERM, SIGINT}) {
    Signals signals;
    ::kill(::getpid(), number);
    signals.wait_for_stop({});
  }
}

TEST(Signals, ReloadsOnHangupOnTheWaitingThreadAndGoesOn) {
  Signals signals;
  int reloads = 0;
  ::kill(::getpid(), SIGHUP);
  signals.wait_for_stop([&, waiting = std::this_thread::get_id()] {
    EXPECT_EQ(std::this_thread::get_id(), waiting);
    ::kill(::getpid(), ++reloads < 3 ? SIGHUP : SIGTERM);
  });
  EXPECT_EQ(reloads, 3);
}

TEST(Signals, TakesHangupThoughTheCallerIgnoredIt) {
  ::signal(SIGHUP, SIG_IGN);  // nohup
  Signals signals;
  ::kill(::getpid(), SIGHUP);
  bool reloaded = false;
  signals.wait_for_stop([&] {
    reloaded = true;
    signals.request_stop();
  });
  EXPECT_TRUE(reloaded);
}

TEST(Signals, AnyThreadMayRequestTheStop) {
  Signals signals;
  std::jthread other([&] { signals.request_stop(); });
  signals.wait_for_stop({});
}

TEST(Signals, ARequestMadeBeforeTheWaitIsKept) {
  Signals signals;
  signals.request_stop();
  signals.wait_for_stop({});
}

TEST(Signals, ReachTheWaitThoughOtherThreadsRun) {
  Signals signals;
  std::jthread busy([](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
  });
  ::kill(::getpid(), SIGTERM);
  signals.wait_for_stop({});
}

TEST(Signals, AClosedPipeDoesNotEndTheProcess) {
  Signals signals;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[1]);
}

TEST(Signals, LookNowAndThenBetweenTheSignals) {
  Signals signals;
  int looks = 0, reloads = 0;
  signals.wait_for_stop([&] { ++reloads; }, 1ms,
                        [&] {
                          ++looks;
                          ::kill(::getpid(), looks < 3 ? SIGHUP : SIGTERM);
                        });
  EXPECT_EQ(looks, 3);
  EXPECT_EQ(reloads, 2);
}

TEST(Signals, ASecondTermAfterTheStopDoesNotEndTheProcess) {
  {
    Signals signals;
    ::kill(::getpid(), SIGTERM);
    signals.wait_for_stop({});
  }
  ::kill(::getpid(), SIGTERM);  // a process that died of it would fail the test
  Signals().wait_for_stop({});
}

// origins

struct OriginWatchTest : testing::Test {
  OriginWatchTest() { write("one"); }
  void write(const std::string& content) const { std::ofstream(file) << content; }
  void read() { watch.read({{file, config::state_of(file)}}); }
  support::TempDir dir;
  const std::string file = dir / "file";
  OriginWatch watch;
};

TEST_F(OriginWatchTest, TellsAChangeOnceNobodyWritesAnyMore) {
  read();
  EXPECT_FALSE(watch.changed());
  write("tw");  // half of it
  EXPECT_FALSE(watch.changed());
  write("two");
  EXPECT_FALSE(watch.changed());
  EXPECT_TRUE(watch.changed());
  EXPECT_TRUE(watch.changed()) << "until it was read";
  read();
  EXPECT_FALSE(watch.changed());
  EXPECT_FALSE(watch.changed());
}

TEST_F(OriginWatchTest, TheSameContentAgainIsNoChange) {
  read();
  write("one");
  EXPECT_FALSE(watch.changed());
  EXPECT_FALSE(watch.changed());
  write("two");
  EXPECT_FALSE(watch.changed());
  write("one");  // and back
  EXPECT_FALSE(watch.changed());
  EXPECT_FALSE(watch.changed());
}

TEST_F(OriginWatchTest, TellsWhatChangedBetweenTheReadingAndTheFirstLook) {
  read();
  write("two");
  EXPECT_FALSE(watch.changed());
  EXPECT_TRUE(watch.changed());
}

TEST_F(OriginWatchTest, TellsThatAFileWentAndThatItCame) {
  read();
  std::filesystem::remove(file);
  EXPECT_FALSE(watch.changed());
  EXPECT_TRUE(watch.changed());
  read();
  EXPECT_FALSE(watch.changed());
  write("one");
  EXPECT_FALSE(watch.changed());
  EXPECT_TRUE(watch.changed());
}

TEST_F(OriginWatchTest, WithoutOriginsNothingChanges) { EXPECT_FALSE(watch.changed()); }

// pid file

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return text;
}

TEST(PidFile, HoldsOurPidWhileItLives) {
  support::TempDir dir;
  const std::string path = dir / "a.pid";
  {
    const PidFile file(path);
    EXPECT_EQ(file.error(), std::nullopt);
    EXPECT_EQ(read(path), std::to_string(::getpid()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(PidFile, TakesOverTheFileOfADeadPredecessor) {
  support::TempDir dir;
  const std::string path = dir / "a.pid";
  std::ofstream(path) << "999999999\nmore\n";
  const PidFile file(path);
  EXPECT_EQ(read(path), std::to_string(::getpid()));
}

TEST(PidFile, LeavesASuccessorsFileAlone) {
  support::TempDir dir;
  const std::string path = dir / "a.pid";
  {
    const PidFile file(path);
    std::ofstream(path, std::ios::trunc) << "999999999\n";
  }
  EXPECT_EQ(read(path), "999999999");
}

TEST(PidFile, SaysWhyItCannotBeWritten) {
  const PidFile file("/proc/no/such/a.pid");
  ASSERT_TRUE(file.error());
  EXPECT_THAT(*file.error(), AllOf(HasSubstr("/proc/no/such/a.pid"), HasSubstr("No such file")));
}

TEST(PidFile, LeavesNothingBehindWhenThePathIsTaken) {
  support::TempDir dir;
  std::filesystem::create_directory(dir / "a.pid");
  EXPECT_TRUE(PidFile(dir / "a.pid").error());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(PidFile, AnEmptyPathDoesNothing) { EXPECT_EQ(PidFile("").error(), std::nullopt); }

// metrics

TEST(LifecycleMetrics, CountEachLostLogRecordOnce) {
  metrics::Registry registry(kTable, "test");
  log::Options options;
  options.file = "/dev/full";
  const log::Logger log(options, "test");
  export_log(registry, log);
  const auto lose = [&](int records) {
    for (int i = 0; i < records; ++i) log.info("e", "m");
    log.flush();
  };
  EXPECT_THAT(registry.text(), HasSubstr("hookfleet_log_dropped_records_total 0\n"));
  lose(2);
  EXPECT_THAT(registry.text(), HasSubstr("hookfleet_log_dropped_records_total 2\n"));
  lose(3);
  EXPECT_THAT(registry.text(), HasSubstr("hookfleet_log_dropped_records_total 5\n"));
}

// process

struct ProcessTest : testing::Test {
  ProcessTest() {
    declare_metrics_listen(settings, address);
    log::declare(settings, log);
    log.file = dir / "log";
  }
  auto begin(std::vector<const char*> argv) {
    argv.insert(argv.begin(), "hookfleet-test");
    kept = std::move(argv);
    return Process::begin({"hookfleet-test", "A test.", static_cast<int>(kept.size()), kept.data()}, settings, address, log);
  }
  std::string text_of(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  support::TempDir dir;
  std::string address = "127.0.0.1:1";
  log::Options log;
  config::Settings settings;
  std::vector<const char*> kept;
};

TEST_F(ProcessTest, BeginsWithAPidFileAndItsSettingsInTheLog) {
  const std::string pid_file = dir / "pid";
  {
    const auto process = begin({"--pid-file", pid_file.c_str(), "--server.metrics_listen", "127.0.0.1:2"});
    ASSERT_TRUE(process);
    EXPECT_EQ(text_of(pid_file), std::to_string(::getpid()) + "\n");
  }
  EXPECT_EQ(text_of(pid_file), "") << "it goes with the process";
  EXPECT_THAT(text_of(log.file), AllOf(HasSubstr("system.starting"), HasSubstr("\"server.metrics_listen\":\"127.0.0.1:2\"")));
}

TEST_F(ProcessTest, HasNothingToDoWithWrongSettings) {
  testing::internal::CaptureStderr();
  const auto process = begin({"--server.metrics_listen", "nowhere"});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("server.metrics_listen"));
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error(), Process::kBadSettings);
}

TEST_F(ProcessTest, HasNothingToDoAfterAHealthcheck) {
  testing::internal::CaptureStderr();
  const auto process = begin({"--healthcheck"});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("127.0.0.1:1"));
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error(), 1);
}

TEST_F(ProcessTest, SaysWhyItsPidFileCannotBeWritten) {
  testing::internal::CaptureStderr();
  const auto process = begin({"--pid-file", "/proc/none/pid"});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("/proc/none/pid"));
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error(), Process::kFailed);
}

TEST_F(ProcessTest, ItsSurfaceServesMetricsAndReadinessOrSaysWhyNot) {
  const auto process = begin({});
  ASSERT_TRUE(process);
  const support::FakeClock clock;
  metrics::Registry other({}, "other");
  auto holds_port = metrics::Listener::start("127.0.0.1:0", other, {});
  ASSERT_TRUE(holds_port) << holds_port.error();
  const std::string at = "127.0.0.1:" + std::to_string((*holds_port)->port());
  Surface surface(kTable, "test", **process, clock);
  surface.health().require("server");
  EXPECT_FALSE(surface.serve(at));
  (*process)->log().flush();
  EXPECT_THAT(text_of(log.file), AllOf(HasSubstr("cannot serve metrics"), HasSubstr(at)));

  holds_port->reset();
  ASSERT_TRUE(surface.serve(at));
  std::string answer;
  EXPECT_FALSE(metrics::healthcheck(at, "/readyz", answer));
  EXPECT_THAT(answer, HasSubstr("server: starting"));
  surface.health().ready("server");
  EXPECT_TRUE(metrics::healthcheck(at, "/readyz", answer)) << answer;
  EXPECT_TRUE(metrics::healthcheck(at, "/metrics", answer));
  EXPECT_THAT(answer, AllOf(HasSubstr("hookfleet_log_dropped_records_total 0"), HasSubstr("hookfleet_settings_last_reload_successful 1")));
}

struct ReloadTest : ProcessTest {
  ReloadTest() { write("info"); }
  void write(const std::string& level, const std::string& listen = "127.0.0.1:1") const {
    std::ofstream(file) << "log: {level: " << level << ", file: " << log.file << "}\nserver: {metrics_listen: \"" << listen << "\"}\n";
  }
  void start() {
    auto begun = begin({"--config", file.c_str()});
    ASSERT_TRUE(begun);
    process = std::move(*begun);
  }
  /// Until `done`, which is asked at every look.
  void run(const std::function<bool()>& done) {
    Process::Duties duties;
    duties.reload = [this]() -> std::optional<std::string> {
      std::string other = "127.0.0.1:1";
      fresh = {};
      config::Settings again;
      declare_metrics_listen(again, other);
      log::declare(again, fresh);
      again.reloads({"log.level"});
      return process->reread(again);
    };
    duties.refused = [this](const std::string& problems) { refused.push_back(problems); };
    duties.look = [&] {
      if (done()) process->request_stop();
    };
    process->wait_for_stop(duties, 1ms);
    process->log().flush();
  }
  std::string exported() {
    metrics::Registry registry(kTable, "test");
    export_reloads(registry, *process);
    return registry.text();
  }
  const std::string file = dir / "settings.yaml";
  std::unique_ptr<Process> process;
  log::Options fresh;
  std::vector<std::string> refused;
};

TEST_F(ReloadTest, TakesOverWhatIsRightAndTellsWhatIsWrong) {
  start();
  write("error");
  int step = 0;
  run([&] {
    if (step == 0 && process->reloads() == 1) {
      EXPECT_EQ(fresh.level, log::Level::kError);
      write("loud");
      ++step;
    } else if (step == 1 && process->reloads_failed() == 1) {
      EXPECT_THAT(refused, testing::ElementsAre(HasSubstr("loud")));
      EXPECT_THAT(exported(), HasSubstr("hookfleet_settings_last_reload_successful 0\n"));
      write("info");
      ++step;
    }
    return process->reloads() == 2;
  });
  EXPECT_THAT(text_of(log.file), AllOf(HasSubstr("system.reload_failed"), HasSubstr("loud")));
  EXPECT_THAT(exported(), AllOf(HasSubstr("hookfleet_settings_reloads_total{result=\"ok\"} 2\n"),
                                HasSubstr("hookfleet_settings_reloads_total{result=\"failed\"} 1\n"),
                                HasSubstr("hookfleet_settings_last_reload_successful 1\n")));
}

TEST_F(ReloadTest, ReadsOnHangupThoughNothingHasChanged) {
  start();
  ::kill(::getpid(), SIGHUP);
  run([&] { return process->reloads() > 0; });
  EXPECT_EQ(process->reloads(), 1U);
}

TEST_F(ReloadTest, NamesWhatTakesARestart) {
  start();
  write("error", "127.0.0.1:2");
  run([&] { return process->reloads() > 0; });
  EXPECT_THAT(text_of(log.file), AllOf(HasSubstr("system.restart_needed"), HasSubstr("\"settings\":\"server.metrics_listen\"")));
}

// settings and healthcheck mode

TEST_F(ProcessTest, WhatMayBeAMistakeIsWarnedOf) {
  std::vector<std::string> names;
  settings.texts("a.names", names, "Names", {}, [](const std::string&) -> std::optional<std::string> { return "is odd"; });
  const auto process = begin({"--a.names", "x"});
  ASSERT_TRUE(process);
  (*process)->log().flush();
  EXPECT_THAT(text_of(log.file), AllOf(HasSubstr("system.settings_doubtful"), HasSubstr("\"where\":\"--a.names\""), HasSubstr("is odd")));
}

TEST(LifecycleSettings, MetricsListenTakesAddressesOnly) {
  for (const auto& [text, problems] : std::map<std::string, std::size_t>{{"0.0.0.0:9091", 0}, {"[::]:9091", 0}, {"9091", 1}, {"", 1}}) {
    std::string address = "127.0.0.1:9090";
    config::Settings settings;
    declare_metrics_listen(settings, address);
    EXPECT_EQ(settings.load("", {}, {{"server.metrics_listen", text}}).size(), problems) << text;
    EXPECT_EQ(address == text, problems == 0);
  }
}

TEST(Healthcheck, ExitsByReadinessAndPrintsTheReasons) {
  support::FakeClock clock;
  Health health(clock);
  health.require("redis");
  metrics::Registry registry({}, "test");
  const auto listener =
      metrics::Listener::start("127.0.0.1:0", registry, {[&] { return health.livez(); }, [&] { return health.readyz(); }});
  ASSERT_TRUE(listener) << listener.error();
  const std::string address = "0.0.0.0:" + std::to_string((*listener)->port());

  testing::internal::CaptureStderr();
  EXPECT_EQ(healthcheck(address), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), AllOf(HasSubstr("503"), HasSubstr("redis: starting")));

  health.ready("redis");
  testing::internal::CaptureStdout();
  EXPECT_EQ(healthcheck(address), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "200 OK\nready\n");
}

}  // namespace
}  // namespace hookfleet::lifecycle
