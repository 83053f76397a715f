// SPDX-License-Identifier: Apache-2.0
// Warm, pin and clear, on the real engine and a tiny model.
#include "ui/bridge/hot_set_work.h"

#include <QSignalSpy>
#include <QtTest>

#include "tests/ui/ui_test.h"
#include "tests/support/slow_reader.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "ui/bridge/conversation.h"

using namespace mneme;

class HotSetWorkTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    m_model = write_tiny_model(m_folder.path(), {.context = 8192});
    auto store = ChatStore::open(m_folder.path() + "/chats.db");
    QVERIFY2(store.has_value(), store ? "" : store.error().message.c_str());
    m_store = std::move(*store);
  }
  void init() { m_world = std::make_unique<World>(*m_store); }
  void cleanup() { m_world.reset(); }

  void theHotSetIsClearedWarmedAndPinned() {
    open({});
    ask(QStringLiteral("hello there, hello there, hello there"));
    HotSetWork* const work = &m_world->work;
    const auto engine = m_world->engine.model();
    QSignalSpy ended(work, &HotSetWork::ended);
    QSignalSpy planned(work, &HotSetWork::planned);
    QVERIFY(engine->tiers().entries > 0);
    work->clear();
    QTRY_COMPARE(ended.count(), 1);
    const std::uint64_t held = engine->tiers().entries;  // by the last token, which is still there
    QVERIFY(held <= 4);
    QVERIFY(ended.last().at(0).toString().contains(QStringLiteral("left RAM")));

    // All of the chat comes back, from the open chat as from the saved one.
    work->planBranch(m_world->branch);
    QTRY_COMPARE(planned.count(), 1);
    const auto plan = planned.last().at(0).value<HotSetWork::Plan>();
    QVERIFY(plan.ngrams > 10);
    QCOMPARE(std::uint64_t{plan.missing->size()} + held, plan.ngrams);
    work->planChat(m_world->conversation.chat());
    QTRY_COMPARE(planned.count(), 2);
    QCOMPARE(planned.last().at(0).value<HotSetWork::Plan>().ngrams, plan.ngrams);
    work->warm(plan.missing);
    QVERIFY(work->warming());
    QTRY_COMPARE(ended.count(), 2);
    QVERIFY(!work->warming());
    QCOMPARE(engine->tiers().entries, plan.ngrams);
    work->planBranch(m_world->branch);
    QTRY_COMPARE(planned.count(), 3);
    QVERIFY(planned.last().at(0).value<HotSetWork::Plan>().missing->empty());

    // While an answer runs: it goes on, and all of it is done.
    m_world->conversation.setSettings(settings(100000));
    m_world->conversation.send(QStringLiteral("go on for ever"));
    QTRY_VERIFY(m_world->conversation.transcript().rowCount() == 4 &&
                m_world->conversation.transcript().at(3).live &&
                m_world->conversation.transcript().at(3).live->progress.generated > 0);
    work->keep(engine->tiers().budget_bytes / 2);
    QTRY_COMPARE(ended.count(), 3);
    QVERIFY(engine->tiers().kept > 0);
    work->clear();
    QTRY_COMPARE(ended.count(), 4);
    QCOMPARE(engine->tiers().kept, 0u);
    work->warm(plan.missing);
    QVERIFY(m_world->conversation.answering());
    m_world->conversation.stop();
    QTRY_COMPARE(ended.count(), 5);
    QTRY_VERIFY(!m_world->conversation.answering());
    for (const NgramKey& key : *plan.missing) QVERIFY(engine->in_ram(key));
  }

  void warmingCanBeStopped() {
    const auto drive = std::make_shared<SlowReaderControl>();
    open(slow_reader_factory(drive));
    ask(QStringLiteral("hello there"));
    HotSetWork* const work = &m_world->work;
    QSignalSpy ended(work, &HotSetWork::ended);
    QSignalSpy planned(work, &HotSetWork::planned);
    work->clear();
    QTRY_COMPARE(ended.count(), 1);
    work->planBranch(m_world->branch);
    QTRY_COMPARE(planned.count(), 1);
    drive->hold();
    work->warm(planned.last().at(0).value<HotSetWork::Plan>().missing);
    QTRY_VERIFY(m_world->engine.tiers().waiting_us > 0);
    work->cancelWarm();
    QTRY_COMPARE(ended.count(), 2);
    QVERIFY2(ended.last().at(0).toString().contains(QStringLiteral("stopped")),
             qPrintable(ended.last().at(0).toString()));
    drive->release();
  }

 private:
  struct World {
    explicit World(ChatStore& store) : conversation(store, engine, branch), work(store, engine) {}
    Jobs jobs;
    EngineHost engine{jobs};
    BranchTrace branch;
    Conversation conversation;
    HotSetWork work;
  };

  static ChatSettings settings(std::int64_t tokens) {
    ChatSettings made;
    made.max_tokens = tokens;
    made.sampling.temperature = 0;  // this model then never ends its turn
    made.sampling.repetition_penalty = 1;
    return made;
  }

  void open(RowReaderFactory reader) {
    EngineOptions options;
    options.model_path = m_model;
    options.threads = 1;
    options.row_reader = std::move(reader);
    m_world->engine.openModel(options);
    QTRY_COMPARE(m_world->engine.state(), EngineHost::State::ready);
    m_world->conversation.newChat(settings(24), {});
  }

  void ask(const QString& text) {
    m_world->conversation.send(text);
    QTRY_VERIFY(m_world->conversation.transcript().rowCount() > 0);
    QTRY_VERIFY(!m_world->conversation.answering() &&
                m_world->conversation.blockedReason().isEmpty());
  }

  TemporaryFolder m_folder;
  std::string m_model;
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<World> m_world;
};

UI_TEST(HotSetWorkTest)
#include "hot_set_work_test.moc"
