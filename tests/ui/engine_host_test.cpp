// SPDX-License-Identifier: Apache-2.0
// How models come and go in the window: on the real engine, with a tiny model, and with devices and
// drives that do what the test says.
#include "ui/bridge/engine_host.h"

#include <QSignalSpy>
#include <QtTest>
#include <atomic>
#include <semaphore>
#include <thread>

#include "gpu/registry.h"
#include "tests/support/card_backend.h"
#include "tests/support/slow_reader.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/ui/ui_test.h"

using namespace mneme;

namespace {

// A drive that the system waits for inside of a call, where nothing can be cancelled.
class StuckReader : public RowReader {
 public:
  StuckReader(std::unique_ptr<RowReader> reader, std::shared_ptr<std::atomic<bool>> stuck)
      : m_reader(std::move(reader)), m_stuck(std::move(stuck)) {}
  std::string_view name() const override { return m_reader->name(); }
  StorageKind storage() const override { return m_reader->storage(); }
  std::string_view file_system() const override { return m_reader->file_system(); }
  void read(std::span<const ReadRequest> batch, WhenFull whenFull) override {
    while (*m_stuck) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    m_reader->read(batch, whenFull);
  }

 private:
  const std::unique_ptr<RowReader> m_reader;
  const std::shared_ptr<std::atomic<bool>> m_stuck;
};

// Notes the thread on which its engine ends.
class NotingReader : public StuckReader {
 public:
  NotingReader(std::unique_ptr<RowReader> reader, std::shared_ptr<std::atomic<std::thread::id>> end)
      : StuckReader(std::move(reader), std::make_shared<std::atomic<bool>>(false)),
        m_end(std::move(end)) {}
  ~NotingReader() override { *m_end = std::this_thread::get_id(); }

 private:
  const std::shared_ptr<std::atomic<std::thread::id>> m_end;
};

template <class Reader, class State>
RowReaderFactory readers(State state) {
  return [state](const std::vector<std::string>& paths,
                 RowReader::Callback done) -> Result<std::unique_ptr<RowReader>> {
    auto reader = open_thread_reader(paths, std::move(done));
    if (!reader) return reader.error();
    return std::unique_ptr<RowReader>(std::make_unique<Reader>(std::move(*reader), state));
  };
}

// A card that says how many models lie on it.
class CountedCard : public CardBackend {
 public:
  CountedCard(std::unique_ptr<Backend> cpu, std::atomic<int>& models)
      : CardBackend(std::move(cpu), std::uint64_t{1} << 30), m_models(models) {
    ++m_models;
  }
  ~CountedCard() override { --m_models; }

 private:
  std::atomic<int>& m_models;
};

}  // namespace

class EngineHostTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    m_model = write_tiny_model(m_folder.path(), {.context = 8192});
    auto store = ChatStore::open(":memory:");
    QVERIFY(store);
    m_store = std::move(*store);
  }
  void init() { m_host = std::make_unique<EngineHost>(m_jobs); }
  void cleanup() { m_host.reset(); }

  void anEngineEndsOnItsOwnThreadAlsoDuringAnAnswer() {
    const auto end = std::make_shared<std::atomic<std::thread::id>>();
    EngineOptions options = tiny();
    options.row_reader = readers<NotingReader>(end);
    open(options);
    answer(100'000);
    QTRY_VERIFY(m_progress > 0);
    // As a view does that still counts a draft, or draws its picture.
    const std::shared_ptr<EngineView> held = m_host->model();
    QSignalSpy finished(m_host.get(), &EngineHost::answerFinished);
    m_host->closeModel();
    QCOMPARE(m_host->state(), EngineHost::State::empty);
    QTRY_COMPARE(finished.count(), 1);
    QTRY_VERIFY(end->load() != std::thread::id());
    QVERIFY2(end->load() != std::this_thread::get_id(), "it ended on the UI thread");
    QCOMPARE(held->tiers().entries, 0u);
    QVERIFY(!held->layout().name.empty());
  }

  void whereThereIsRoomTheModelBeforeStaysOpenMeanwhile() {
    EngineOptions options = tiny();
    options.memory = "off";
    open(options);
    const auto before = m_host->model();
    int states = 0;
    const QObject opening;
    connect(m_host.get(), &EngineHost::stateChanged, &opening, [&] {
      if (m_host->state() != EngineHost::State::loading) return;
      ++states;
      QCOMPARE(m_host->model(), before);
    });
    open(options);
    QVERIFY(states > 0);
    QVERIFY(m_host->model() != before);
  }

  void aDeviceHasTheWholeRoomForTheNextModel() {
    std::atomic<int> models = 0;
    int atOpening = -1;
    EngineOptions options = tiny();
    options.open_device = [&](const BackendOptions& asked) -> Result<std::unique_ptr<Backend>> {
      atOpening = models;
      auto cpu = open_backend({asked.threads, asked.instruction_set, "cpu"});
      if (!cpu) return cpu.error();
      return std::unique_ptr<Backend>(std::make_unique<CountedCard>(std::move(*cpu), models));
    };
    open(options);
    QCOMPARE(atOpening, 0);
    open(options);
    QCOMPARE(atOpening, 0);  // the one before had left it
    QCOMPARE(models.load(), 1);
    m_host.reset();
    QCOMPARE(models.load(), 0);
  }

  void rowsThatWereSavedAreThereWhenTheSamePackIsOpenedAgain() {
    EngineOptions options = tiny();
    options.hot_set_folder = m_folder.file("rows");
    open(options);
    QSignalSpy finished(m_host.get(), &EngineHost::answerFinished);
    answer(8);
    QTRY_COMPARE(finished.count(), 1);
    const std::uint64_t entries = m_host->tiers().entries;
    QVERIFY(entries > 0);
    open(options);
    QTRY_COMPARE(m_host->tiers().restored, entries);
  }

  void aFileThatIsNoModelClosesNothing() {
    open(tiny());
    const auto before = m_host->model();
    EngineOptions none;
    none.model_path = m_folder.file("none.gguf");
    QSignalSpy failed(m_host.get(), &EngineHost::openFailed);
    m_host->openModel(none);
    QTRY_COMPARE(failed.count(), 1);
    QCOMPARE(m_host->model(), before);
    QCOMPARE(m_host->state(), EngineHost::State::ready);
    QSignalSpy finished(m_host.get(), &EngineHost::answerFinished);
    answer(2);
    QTRY_COMPARE(finished.count(), 1);
  }

  void aModelThatIsNotOpenedLeavesTheStateOfTheOneThatAnswers() {
    const auto stuck = std::make_shared<std::atomic<bool>>(false);
    EngineOptions options = tiny();
    options.row_reader = readers<StuckReader>(stuck);
    open(options);
    *stuck = true;
    QSignalSpy failed(m_host.get(), &EngineHost::openFailed);
    QSignalSpy finished(m_host.get(), &EngineHost::answerFinished);
    answer(8);
    EngineOptions none;
    none.model_path = m_folder.file("none.gguf");
    m_host->openModel(none);
    QCOMPARE(m_host->state(), EngineHost::State::loading);
    QTRY_COMPARE(failed.count(), 1);
    QCOMPARE(m_host->state(), EngineHost::State::generating);
    *stuck = false;
    QTRY_COMPARE(finished.count(), 1);
    QCOMPARE(m_host->state(), EngineHost::State::ready);
  }

  void aModelThatFailsAfterTheOneBeforeMadeRoomLeavesNoneOpen() {
    open(tiny());
    EngineOptions options = tiny();
    options.open_device = [](const BackendOptions&) -> Result<std::unique_ptr<Backend>> {
      return Error{ErrorCode::device, "the card is gone"};
    };
    QSignalSpy failed(m_host.get(), &EngineHost::openFailed);
    m_host->openModel(options);
    QTRY_COMPARE(failed.count(), 1);
    QVERIFY(failed[0][0].toString().contains(QStringLiteral("the card is gone")));
    QCOMPARE(m_host->state(), EngineHost::State::empty);
    QCOMPARE(m_host->layout(), nullptr);
    open(tiny());
  }

  // Also where the model lies on a drive that does not answer: nobody waits to find out.
  void openingIsCancelledAtOnce() {
    std::binary_semaphore drive(0);
    EngineOptions options = tiny();
    options.open_device = [&](const BackendOptions&) -> Result<std::unique_ptr<Backend>> {
      drive.acquire();
      return Error{ErrorCode::device, "too late"};
    };
    QSignalSpy failed(m_host.get(), &EngineHost::openFailed);
    m_host->openModel(options);
    QCOMPARE(m_host->state(), EngineHost::State::loading);
    m_host->cancelOpen();
    QCOMPARE(m_host->state(), EngineHost::State::empty);
    QCOMPARE(failed.count(), 1);
    QVERIFY(failed[0][1].toBool());
    // The next one waits for it only so long.
    open(tiny());
    drive.release();
    QVERIFY(m_host->end(std::chrono::seconds(60)));
    QCOMPARE(failed.count(), 1);
  }

  void anAnswerThatADriveHoldsIsGivenUpWithItsModel() {
    const auto stuck = std::make_shared<std::atomic<bool>>(false);
    EngineOptions options = tiny();
    options.row_reader = readers<StuckReader>(stuck);
    open(options);
    *stuck = true;
    QSignalSpy failed(m_host.get(), &EngineHost::answerFailed);
    QSignalSpy finished(m_host.get(), &EngineHost::answerFinished);
    answer(8);
    m_host->closeModel();
    QCOMPARE(m_host->state(), EngineHost::State::empty);
    QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, 20'000);
    QVERIFY(failed[0][0].toString().contains(QStringLiteral("drive")));
    // Another model answers meanwhile.
    open(tiny());
    answer(2);
    QTRY_COMPARE(finished.count(), 1);
    // It may still come back and write to the chats.
    QVERIFY(!m_host->endAnswer(std::chrono::milliseconds(10)));
    QVERIFY(!m_host->end(std::chrono::milliseconds(10)));
    *stuck = false;
    QVERIFY(m_host->endAnswer(std::chrono::seconds(60)));
    QVERIFY(m_host->end(std::chrono::seconds(60)));
    QCoreApplication::processEvents();
    QCOMPARE(failed.count() + finished.count(), 2);  // what came late is nobody's
  }

  void warmingAndReadingsEndWithTheModel() {
    const auto drive = std::make_shared<SlowReaderControl>();
    EngineOptions options = tiny();
    options.row_reader = slow_reader_factory(drive);
    open(options);
    drive->hold();
    QSignalSpy warmed(m_host.get(), &EngineHost::warmEnded);
    QSignalSpy read(m_host.get(), &EngineHost::evaluateFailed);
    m_host->warm(std::make_shared<const std::vector<NgramKey>>(
        std::vector<NgramKey>{{2, {1, 2}}, {2, {3, 4}}}));
    m_host->evaluate({1, 2, 3}, true);
    QTRY_VERIFY(m_host->tiers().waiting_us > 0);
    m_host->closeModel();
    QTRY_COMPARE(warmed.count(), 1);
    QTRY_COMPARE(read.count(), 1);
    drive->release();
  }

 private:
  EngineOptions tiny() const {
    EngineOptions options;
    options.model_path = m_model;
    options.threads = 1;
    return options;
  }

  void open(const EngineOptions& options) {
    QSignalSpy opened(m_host.get(), &EngineHost::modelOpened);
    m_host->openModel(options);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 60'000);
  }

  void answer(std::int64_t tokens) {
    EngineHost::AnswerJob job;
    job.request.messages = {{Role::user, "hello there"}};
    job.request.sampling.temperature = 0;  // this model then never ends its turn
    job.request.sampling.repetition_penalty = 1;
    job.request.max_tokens = tokens;
    job.request.trace = std::make_shared<TraceLog>();
    m_progress = 0;
    disconnect(m_host.get(), &EngineHost::answerProgress, this, nullptr);
    connect(m_host.get(), &EngineHost::answerProgress, this,
            [this](const GenerateProgress& progress) { m_progress = progress.generated; });
    m_host->generate(*m_store, job);
  }

  TemporaryFolder m_folder;
  std::string m_model;
  Jobs m_jobs;
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<EngineHost> m_host;
  std::int64_t m_progress = 0;
};

UI_TEST(EngineHostTest)
#include "engine_host_test.moc"
