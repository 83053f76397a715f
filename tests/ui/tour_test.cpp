// SPDX-License-Identifier: Apache-2.0
// The short tour of the memory views: when it is offered, what its steps show, how it ends.
#include "ui/views/window/tour.h"

#include <QDockWidget>

#include "inference/text/tokenizer.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/inspect/tiers_view.h"
#include "ui/views/inspect/token_card.h"
#include "ui/views/start/start_page.h"
#include "ui/views/window/callout.h"
#include "ui/views/window/start_guide.h"

using namespace mneme;

class TourTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void cleanup() { m_window.reset(); }

  void itIsOfferedOnceAfterTheFirstModel() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->openFirst(made());
    m_window->openTiny();
    QVERIFY(window()->guide().page() == nullptr);
    QTRY_VERIFY(banner()->isVisible());
    QVERIFY2(banner()->text().contains(QStringLiteral("a short tour")),
             qPrintable(banner()->text()));
    m_window->reopen();
    QVERIFY2(!banner()->isVisible(), qPrintable(banner()->text()));
  }

  // Where the model is there before the page has gone, and where nobody ever saw the page.
  void itIsNotOfferedOnThePageNorToThoseWhoKnowTheProgram() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->openFirst([&](WindowSetup& setup) {
      made()(setup);
      setup.defaultModel = m_window->model();
      setup.settings->set("model/open_at_start", true);
    });
    QTRY_COMPARE(window()->engine().state(), EngineHost::State::ready);
    QVERIFY(window()->guide().page() != nullptr);
    QVERIFY(banner()->text().isEmpty());
    window()->guide().leavePage();
    QVERIFY(banner()->isVisible());
    m_window->startOver();
    m_window->reopen();
    QVERIFY(!banner()->isVisible());
  }

  void itsStepsShowTheRealViews() {
    open();
    window()->action("tour")->trigger();
    QVERIFY(window()->guide().tour() != nullptr);
    QTRY_COMPARE(window()->guide().tour()->step(), 1);
    const auto& items = window()->conversation().transcript().items();
    QCOMPARE(items.size(), std::size_t{2});
    QCOMPARE(items[0].text, Tour::question());
    QVERIFY(window()->panel()->view()->ink());
    QTRY_VERIFY(callout()->isVisible());
    QVERIFY2(callout()->text().contains(QStringLiteral("of 1.")), qPrintable(callout()->text()));
    standsBeside(window()->panel()->view()->viewport(), window()->panel()->view()->messageRect(1));

    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Return);  // Next has the focus
    QCOMPARE(window()->guide().tour()->step(), 2);
    const auto* card = window()->findChild<TokenCard*>();
    QVERIFY(card->isVisible());
    QVERIFY(window()->selection().pinned().has_value());
    QTRY_VERIFY(card->facts().has_value());
    // The widest gate of the answer.
    const BranchTrace& branch = window()->branch();
    const auto word = [&](TokenId token) {
      return Tour::isWord(window()->engine().model()->tokenizer().decode(token));
    };
    const float pinned = branch.record(*window()->selection().pinned()).gate_max();
    for (int i = 0; i < branch.size(); ++i) {
      const TraceRecord record = branch.recordAt(i);
      if (record.header().source != TokenSource::assistant) continue;
      if (word(record.token()) == word(branch.record(*window()->selection().pinned()).token()))
        QVERIFY(record.gate_max() <= pinned);
    }
    settle();
    standsBeside(card, card->rect());

    callout()->nextButton()->click();
    QCOMPARE(window()->guide().tour()->step(), 3);
    settle();
    const auto* tiers = window()->findChild<TiersView*>();
    QVERIFY(tiers->isVisible());
    QVERIFY(!callout()->endButton()->isVisible());
    // As many as the answer needed, and no others.
    const TierStats stats = window()->engine().tiers();
    QVERIFY2(
        callout()->text().contains(QStringLiteral("RAM answered %1 look-ups")
                                       .arg(stats.served[static_cast<std::size_t>(Tier::ram)])),
        qPrintable(callout()->text()));
    callout()->nextButton()->click();
    QVERIFY(window()->guide().tour() == nullptr);
    settle();
    QVERIFY(window()->findChild<Callout*>() == nullptr);
    QVERIFY(window()->panel()->composer()->edit()->hasFocus());
  }

  void escapeEndsIt() {
    open();
    window()->guide().startTour();
    QTRY_VERIFY(window()->guide().tour() != nullptr && window()->guide().tour()->step() == 1);
    QTRY_VERIFY(callout()->isVisible());
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Escape);
    QVERIFY(window()->guide().tour() == nullptr);
    // Again, as often as one likes.
    window()->guide().startTour();
    QTRY_VERIFY(window()->guide().tour() != nullptr && window()->guide().tour()->step() == 1);
  }

  void anotherChatOrNoModelEndsIt() {
    open();
    window()->guide().startTour();
    QTRY_VERIFY(window()->guide().tour() != nullptr && window()->guide().tour()->step() == 1);
    window()->action("newChat")->trigger();
    QVERIFY(window()->guide().tour() == nullptr);
    window()->guide().startTour();
    QTRY_VERIFY(window()->guide().tour() != nullptr && window()->guide().tour()->step() == 1);
    window()->action("closeModel")->trigger();
    QTRY_VERIFY(window()->guide().tour() == nullptr);
  }

  void whatWasTypedStays() {
    open();
    window()->panel()->composer()->setText(QStringLiteral("half a question"));
    window()->guide().startTour();
    QTRY_VERIFY(window()->guide().tour() != nullptr && window()->guide().tour()->step() == 1);
    window()->action("newChat")->trigger();
    QCOMPARE(window()->panel()->composer()->text(), QStringLiteral("half a question"));
  }

  void itFollowsThePartsOfTheWindow() {
    open();
    window()->guide().startTour();
    QTRY_VERIFY(window()->guide().tour() != nullptr && window()->guide().tour()->step() == 1);
    QTRY_VERIFY(callout()->isVisible());
    callout()->nextButton()->click();
    settle();
    for (const QSize size : {QSize(1440, 900), QSize(1280, 800), QSize(1024, 700)}) {
      window()->resize(size);
      settle();
      const auto* card = window()->findChild<TokenCard*>();
      standsBeside(card, card->rect());
    }
  }

  void aModelWithoutAMemoryIsToldSo() {
    m_window = std::make_unique<test::OpenedWindow>(TinyModelOptions{.memory = false});
    m_window->open(made());
    window()->openModel(m_window->model(), {});
    QTRY_COMPARE(window()->engine().state(), EngineHost::State::ready);
    window()->guide().startTour();
    QVERIFY(window()->guide().tour() == nullptr);
    QVERIFY2(banner()->text().contains(QStringLiteral("no n-gram memory")),
             qPrintable(banner()->text()));
    banner()->actionButton()->click();
    QVERIFY(window()->guide().page() != nullptr);
  }

  void withoutAModelItSaysWhatToOpen() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->open(made());
    window()->action("tour")->trigger();
    QVERIFY(window()->guide().tour() == nullptr);
    QVERIFY2(banner()->text().contains(QStringLiteral("open a model")),
             qPrintable(banner()->text()));
  }

 private:
  // A machine of which nothing is known.
  static std::function<void(WindowSetup&)> made() {
    return [](WindowSetup& setup) {
      setup.start = {.facts = [] { return MachineFacts(); },
                     .gpus = [](const Jobs::Stop&) { return std::vector<DeviceInfo>(); },
                     .ramSpeed = [](const Jobs::Stop&) { return 10.0; },
                     .gpuSpeed = [](const std::string&, const Jobs::Stop&) { return 10.0; },
                     .drive = [](const Jobs::Stop&) { return DriveSpeed(); },
                     .models = [](const Jobs::Stop&) { return FoundModels(); }};
    };
  }
  void open() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->open(made());
    m_window->openTiny();
  }
  static void settle() {
    for (int i = 0; i < 3; ++i) QCoreApplication::processEvents();
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
  }
  void standsBeside(const QWidget* part, const QRect& area) {
    const QRect target(part->mapTo(window(), area.topLeft()), area.size());
    const QRect bubble = callout()->bubble();
    QVERIFY2(window()->rect().contains(bubble), qPrintable(QDebug::toString(bubble)));
    QVERIFY2(!bubble.intersects(
                 target.intersected(QRect(part->mapTo(window(), QPoint()), part->size()))),
             qPrintable(QDebug::toString(bubble) + QDebug::toString(target)));
  }

  Callout* callout() const { return window()->guide().tour()->callout(); }
  Banner* banner() const { return window()->panel()->banner(); }
  MainWindow* window() const { return m_window->window(); }

  std::unique_ptr<test::OpenedWindow> m_window;
};

UI_TEST(TourTest)
#include "tour_test.moc"
