// SPDX-License-Identifier: Apache-2.0
// The whole window on the real engine, a tiny model and a database in a temporary folder.
#include <QAbstractButton>
#include <QAccessible>
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDockWidget>
#include <QElapsedTimer>
#include <QLineEdit>
#include <QListView>
#include <QMenuBar>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabBar>
#include <QtTest>
#include <functional>

#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/views/chat/answer_text.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/chat/context_meter.h"
#include "ui/views/window/chat_settings_dialog.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/model_card.h"
#include "ui/views/window/open_model_dialog.h"
#include "ui/views/window/settings_dialog.h"
#include "ui/views/window/side_panel.h"
#include "ui/views/window/status_line.h"
#include "ui/views/window/switch_button.h"

using namespace mneme;

class WindowTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    m_window.open();
    m_window->resize(1300, 800);
  }
  void cleanup() { m_window.startOver(); }

  void sendsAndKeepsAnAnswer() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("hello there"));
    const auto& items = m_window->conversation().transcript().items();
    QCOMPARE(items.size(), std::size_t{2});
    QCOMPARE(items[0].text, QStringLiteral("hello there"));
    QVERIFY(items[1].row.answer.has_value());
    QCOMPARE(items[1].row.answer->result.generated_tokens, test::OpenedWindow::kTokens);
    QVERIFY(items[1].row.end_event > items[1].row.first_event);
    QVERIFY(m_window->branch().size() >= int(test::OpenedWindow::kTokens));
    QCOMPARE(m_window->conversation().title(), QStringLiteral("hello there"));
    QCOMPARE(m_window->chats().rowCount(), 2);  // a heading and the chat
    QVERIFY(m_window->panel()->composer()->text().isEmpty());
    QVERIFY(m_window->statusLine()->text().contains(QStringLiteral("bytes written 0")));
    QVERIFY(m_window->statusLine()->text().contains(QStringLiteral("untrained")));

    // What is on disk is what is on screen, trace included.
    const QString text = items[1].text;
    const int tokens = m_window->branch().size();
    m_window.reopen();
    QTRY_COMPARE(m_window->conversation().transcript().rowCount(), 2);
    QCOMPARE(m_window->conversation().transcript().at(1).text, text);
    QCOMPARE(m_window->branch().size(), tokens);
    QCOMPARE(m_window->conversation().transcript().at(1).row.answer->result.generated_tokens,
             test::OpenedWindow::kTokens);
  }

  void aSecondTurnRecordsOnlyWhatIsNew() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("one"));
    const int first = m_window->branch().size();
    m_window.ask(QStringLiteral("two"));
    const auto& items = m_window->conversation().transcript().items();
    QCOMPARE(items.size(), std::size_t{4});
    QVERIFY(items[3].row.answer->result.reused_tokens > 0);
    QVERIFY(m_window->branch().size() > first);
    checkRecordsFollow(items);
  }

  // The progress of an answer that has ended must not reach the one that starts at once.
  void turnsSentAtOnceRecordOnlyWhatIsNew() {
    m_window.openTiny();
    constexpr int kTurns = 30;
    int sent = 1;
    const auto next = connect(&m_window->conversation(), &Conversation::stateChanged, this, [&] {
      if (sent == kTurns || !m_window->conversation().blockedReason().isEmpty()) return;
      ++sent;
      m_window->conversation().send(QStringLiteral("and then?"));
    });
    m_window->conversation().send(QStringLiteral("one"));
    QTRY_COMPARE_WITH_TIMEOUT(sent, kTurns, 60000);
    m_window.finish();
    disconnect(next);
    const auto& items = m_window->conversation().transcript().items();
    QCOMPARE(items.size(), std::size_t{2 * kTurns});
    checkRecordsFollow(items);
  }

  void stopIsFeltAtOnce() {
    m_window.openTiny();
    m_window->conversation().setSettings(m_window.settings(100000));
    m_window.write(QStringLiteral("go on for ever"));
    QTRY_VERIFY(m_window->conversation().transcript().rowCount() == 2 &&
                m_window->conversation().transcript().at(1).live &&
                m_window->conversation().transcript().at(1).live->progress.generated > 0);
    QVERIFY(m_window->action("stop")->isEnabled());
    QElapsedTimer clock;
    clock.start();
    m_window->action("stop")->trigger();
    QTRY_VERIFY(!m_window->conversation().answering());
    QVERIFY2(clock.elapsed() < kSlowness * 100, qPrintable(QString::number(clock.elapsed())));
    QCOMPARE(m_window->conversation().transcript().at(1).row.state, MessageState::stopped);
    QVERIFY(!m_window->action("stop")->isEnabled());
  }

  void aStalledDriveIsNamedInTheChatAndCanBeLeft() {
    const auto drive = m_window.openTinyWithSlowDrive();
    drive->hold();
    m_window.write(QStringLiteral("are you there"));
    const auto notice = [&] {
      const auto& items = m_window->conversation().transcript().items();
      return items.size() == 2 ? answerNotice(items[1]) : QString();
    };
    QTRY_VERIFY_WITH_TIMEOUT(notice().contains(QStringLiteral("Waiting for the drive")), 20000);
    QVERIFY(m_window->conversation().answering());
    m_window->action("stop")->trigger();
    QTRY_VERIFY(!m_window->conversation().answering());
    QCOMPARE(m_window->conversation().transcript().at(1).row.state, MessageState::stopped);
    // The drive comes back, and so does the chat.
    drive->release();
    m_window.ask(QStringLiteral("again"));
    QCOMPARE(m_window->conversation().transcript().at(3).row.state, MessageState::complete);
    QVERIFY(!notice().contains(QStringLiteral("Waiting")));
  }

  void aModelThatIsGoneIsNamedAndTheDefaultOneOpened() {
    m_window.open([this](WindowSetup& setup) {
      setup.settings->set("model/open_at_start", true);
      setup.settings->set("model/path", m_window.folder().file("gone.gguf"));
      setup.defaultModel = m_window.model();
    });
    QTRY_COMPARE(m_window->engine().state(), EngineHost::State::ready);
    QCOMPARE(QString::fromStdString(m_window->engine().layout()->path), m_window.model());
    const QString notice = m_window->panel()->banner()->text();
    QVERIFY2(notice.contains(QStringLiteral("gone.gguf is not there")), qPrintable(notice));
  }

  // The program's end: the answer leaves the drive alone. (engine_host_test.cpp: a drive that holds
  // it.)
  void theEndNeedsNoAnswerOfTheDrive() {
    const auto drive = m_window.openTinyWithSlowDrive();
    drive->hold();
    m_window.write(QStringLiteral("are you there"));
    QTRY_VERIFY(m_window->engine().tiers().waiting_us > 0);
    m_window->close();
    EngineHost& engine = m_window->engine();
    QVERIFY(engine.endAnswer(std::chrono::seconds(20)));
    QVERIFY(engine.end(std::chrono::seconds(20)));
  }

  void aModelOnAStalledDriveIsClosedAndTheNextOneOpens() {
    const auto drive = m_window.openTinyWithSlowDrive();
    drive->hold();
    m_window.write(QStringLiteral("are you there"));
    QTRY_VERIFY(m_window->engine().tiers().waiting_us > 0);
    m_window->engine().closeModel();
    QCOMPARE(m_window->engine().state(), EngineHost::State::empty);
    EngineOptions next;
    next.model_path = m_window.model().toStdString();
    m_window->engine().openModel(next);
    QTRY_COMPARE_WITH_TIMEOUT(m_window->engine().state(), EngineHost::State::ready, 20000);
    drive->release();
    QVERIFY(m_window->engine().end(std::chrono::seconds(20)));
  }

  void aFailedReadEndsTheAnswerWithOneError() {
    const auto drive = m_window.openTinyWithSlowDrive();
    drive->set_fault([](const ReadRequest&) { return ReadFault::eio; });
    m_window.write(QStringLiteral("are you there"));
    QTRY_COMPARE(m_window->conversation().transcript().rowCount(), 2);
    m_window.finish();
    const TranscriptItem& failed = m_window->conversation().transcript().at(1);
    QCOMPARE(failed.row.state, MessageState::failed);
    QVERIFY2(answerNotice(failed).contains(QStringLiteral("tiny.engram.gguf")),
             qPrintable(answerNotice(failed)));
    QCOMPARE(answerNotice(failed).count(QLatin1Char('\n')), 0);
    drive->set_fault({});
    m_window.ask(QStringLiteral("again"));
    QCOMPARE(m_window->conversation().transcript().at(3).row.state, MessageState::complete);
  }

  void regeneratingKeepsTheOldAnswer() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("again"));
    const MessageId old = m_window->conversation().transcript().at(1).row.id;
    m_window->action("retry")->trigger();
    QTRY_VERIFY(m_window->conversation().transcript().at(1).row.id != old);
    m_window.finish();
    const TranscriptItem& item = m_window->conversation().transcript().at(1);
    QVERIFY(item.row.id != old);
    QCOMPARE(item.siblings, 2);
    QCOMPARE(item.previousSibling, old);
    m_window->action("previousVersion")->trigger();
    QCOMPARE(m_window->conversation().transcript().at(1).row.id, old);
    m_window.reopen();
    QTRY_COMPARE(m_window->conversation().transcript().rowCount(), 2);
    QCOMPARE(m_window->conversation().transcript().at(1).row.id, old);
    QCOMPARE(m_window->conversation().transcript().at(1).siblings, 2);
  }

  void editingMakesANewBranch() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("first"));
    m_window.ask(QStringLiteral("second"));
    const MessageId question = m_window->conversation().transcript().at(2).row.id;
    m_window->action("edit")->trigger();
    Composer* composer = m_window->panel()->composer();
    QCOMPARE(composer->editing(), question);
    QCOMPARE(composer->text(), QStringLiteral("second"));
    m_window.write(QStringLiteral("changed"));
    QTRY_VERIFY(m_window->conversation().transcript().rowOf(question) == std::nullopt);
    m_window.finish();
    const auto& items = m_window->conversation().transcript().items();
    QCOMPARE(items.size(), std::size_t{4});
    QCOMPARE(items[2].text, QStringLiteral("changed"));
    QCOMPARE(items[2].siblings, 2);
    QCOMPARE(items[2].previousSibling, question);
    QCOMPARE(composer->editing(), qint64{0});
  }

  void anAnswerGoesOnWhileAnotherChatIsOpen() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("first chat"));
    const ChatId first = m_window->conversation().chat();
    m_window->action("newChat")->trigger();
    m_window->conversation().setSettings(m_window.settings(100000));
    m_window.write(QStringLiteral("second chat"));
    QTRY_VERIFY(m_window->conversation().answeringHere());
    const ChatId second = m_window->conversation().chat();
    m_window->conversation().open(first);
    QTRY_COMPARE(m_window->conversation().chat(), first);
    QVERIFY(m_window->conversation().answering());
    QVERIFY(!m_window->conversation().answeringHere());
    QVERIFY(!m_window->conversation().blockedReason().isEmpty());
    m_window->conversation().open(second);
    QTRY_COMPARE(m_window->conversation().chat(), second);
    QVERIFY(m_window->conversation().answeringHere());
    QTRY_VERIFY(m_window->conversation().transcript().at(1).live);
    m_window->action("stop")->trigger();
    m_window.finish();
    QCOMPARE(m_window->conversation().transcript().at(1).row.state, MessageState::stopped);
    QVERIFY(!m_window->conversation().transcript().at(1).text.isEmpty());
  }

  void deletingCanBeUndone() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("keep me"));
    const ChatId chat = m_window->conversation().chat();
    m_window->action("delete")->trigger();
    QTRY_COMPARE(m_window->chats().rowCount(), 0);
    Banner* banner = m_window->panel()->banner();
    QTRY_VERIFY(!banner->text().isEmpty());
    banner->actionButton()->click();
    QTRY_COMPARE(m_window->chats().rowCount(), 2);
    QTRY_COMPARE(m_window->conversation().chat(), chat);
    QTRY_COMPARE(m_window->conversation().transcript().rowCount(), 2);
  }

  void searchFindsMessages() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("the zebra question"));
    m_window->action("newChat")->trigger();
    m_window->side()->search()->setText(QStringLiteral("zebra"));
    QTRY_VERIFY(m_window->chats().searching());
    QCOMPARE(m_window->chats().rowCount(), 3);  // a heading, the chat, the place in it
    m_window->side()->search()->setText(QStringLiteral("giraffe"));
    QTRY_COMPARE(m_window->chats().rowCount(), 1);
    m_window->side()->search()->clear();
    QTRY_VERIFY(!m_window->chats().searching());
  }

  void memoryIsSwitchedPerChat() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("with"));
    QVERIFY(m_window->conversation().transcript().at(1).row.answer->memory_on);
    m_window->action("memoryOn")->trigger();
    QVERIFY(!m_window->conversation().settings().memory_on);
    QVERIFY(!m_window->panel()->banner()->text().isEmpty());
    m_window.ask(QStringLiteral("without"));
    const auto& answer = *m_window->conversation().transcript().at(3).row.answer;
    QVERIFY(!answer.memory_on);
    QCOMPARE(answer.result.reused_tokens, std::int64_t{0});  // read again from the start
    m_window->action("newChat")->trigger();
    QVERIFY(m_window->conversation().settings().memory_on);
  }

  void gateInkIsToggledAndATokenPinned() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("hello there"));
    m_window->action("ink")->trigger();
    QVERIFY(m_window->panel()->view()->ink());
    m_window->grab();
    const TranscriptItem& answer = m_window->conversation().transcript().at(1);
    m_window->selection().pin(answer.row.first_event);
    m_window->grab();
    QVERIFY(m_window->selection().shown());
    m_window->action("unpin")->trigger();
    QVERIFY(!m_window->selection().shown());
  }

  void theDraftIsCountedWhileTyping() {
    m_window.openTiny();
    Composer* composer = m_window->panel()->composer();
    QTest::keyClicks(composer->edit(), QStringLiteral("hello there friend"));
    QTRY_VERIFY(m_window->panel()->draftLine().contains(QStringLiteral("rows in RAM")));
    QVERIFY(m_window->panel()->draftLine().startsWith(QStringLiteral("Draft: ")));
    QVERIFY(composer->meter()->text().endsWith(QStringLiteral("of 8,192")));
  }

  void aBadFileIsRefusedByName() {
    QFile bad(QString::fromStdString(m_window.folder().path() + "/bad.gguf"));
    QVERIFY(bad.open(QIODevice::WriteOnly));
    bad.write("not a model");
    bad.close();
    QSignalSpy failed(&m_window->engine(), &EngineHost::openFailed);
    m_window->openModel(bad.fileName(), {});
    QTRY_COMPARE(failed.count(), 1);
    QVERIFY2(failed[0][0].toString().contains(QStringLiteral("bad.gguf")),
             qPrintable(failed[0][0].toString()));
    QCOMPARE(m_window->engine().state(), EngineHost::State::empty);
    QVERIFY(m_window->conversation().blockedReason().contains(QStringLiteral("model")));
    // A model that is open stays open.
    m_window.openTiny();
    m_window->openModel(bad.fileName(), {});
    QTRY_COMPARE(failed.count(), 2);
    QCOMPARE(m_window->engine().state(), EngineHost::State::ready);
    QVERIFY(m_window->engine().layout() != nullptr);
  }

  void closingTheModelEmptiesTheViews() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("hello"));
    m_window->action("closeModel")->trigger();
    QCOMPARE(m_window->engine().state(), EngineHost::State::empty);
    m_window->grab();
    QCOMPARE(m_window->side()->modelCard()->lines().value(0), QStringLiteral("No model"));
    QCOMPARE(m_window->conversation().transcript().rowCount(), 2);
  }

  void presetsShowTheirPanels() {
    const auto shown = [&](const char* name) {
      return !m_window->findChild<QDockWidget*>(QLatin1String(name))->isHidden();
    };
    m_window->action("presetChat")->trigger();
    QVERIFY(!shown("tokenDock") && !shown("stripDock") && !shown("tiersDock"));
    m_window->action("presetInspect")->trigger();
    QVERIFY(shown("tokenDock") && shown("stripDock") && shown("tiersDock"));
    m_window->action("presetMemory")->trigger();
    QVERIFY(!shown("tokenDock") && shown("slotsDock") && shown("tiersDock"));
    QVERIFY(m_window->minimumSizeHint().width() <= 1024);
  }

  void everyWidgetHasANameAndMnemonicsDiffer() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("hello"));
    m_window->action("ink")->trigger();
    m_window->grab();
    checkNames(m_window.window());
    SettingsDialog settings(m_window->settings(), m_window->engine().jobs());
    checkNames(&settings);
    ChatSettingsDialog chat(m_window->settings(), m_window->engine().jobs(),
                            m_window->conversation().settings(), {});
    checkNames(&chat);
    OpenModelDialog open(m_window->settings(), {}, {m_window.model()}, m_window->engine().jobs());
    checkNames(&open);
    QSet<QString> tops;
    for (const QAction* menu : m_window->menuBar()->actions()) {
      checkMnemonics(menu->text(), tops);
      QSet<QString> inside;
      for (const QAction* action : menu->menu()->actions()) {
        if (!action->isSeparator()) checkMnemonics(action->text(), inside);
      }
    }
    QSet<QKeySequence> keys;
    for (const QAction* action : m_window->findChildren<QAction*>()) {
      for (const QKeySequence& one : action->shortcuts()) {
        QVERIFY2(!keys.contains(one), qPrintable(one.toString()));
        keys.insert(one);
      }
    }
  }

  void theSettingsListDevicesAndSayWhyOneCannotBeChosen() {
    m_window->settings().set("model/device", "vulkan:77");  // kept, though it is not there
    SettingsDialog settings(m_window->settings(), m_window->engine().jobs());
    auto* box = settings.findChild<QComboBox*>(QStringLiteral("model/device"));
    QVERIFY(box != nullptr);
    QCOMPARE(box->currentData().toString(), QStringLiteral("vulkan:77"));
    // "cuda" stands for none, a number for one that is there.
    const auto none = [&] { return box->findData(QStringLiteral("cuda")); };
    QTRY_VERIFY(none() >= 0 || box->findData(QStringLiteral("cuda:0")) >= 0);
    if (none() >= 0) {
      QVERIFY(!box->model()->flags(box->model()->index(none(), 0)).testFlag(Qt::ItemIsEnabled));
    }
    QCOMPARE(settings.edited().engine.device, std::string("vulkan:77"));
    box->setCurrentIndex(box->findData(QStringLiteral("cpu")));
    QCOMPARE(settings.edited().engine.device, std::string("cpu"));
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr qint64 kSlowness = 20;
#else
  static constexpr qint64 kSlowness = 3;  // other tests run beside this one
#endif

  // Every message has records, each after those of the message before.
  static void checkRecordsFollow(const std::vector<TranscriptItem>& items) {
    EventIndex end = 0;
    for (const TranscriptItem& item : items) {
      QVERIFY(item.row.end_event > item.row.first_event);
      QVERIFY(item.row.first_event >= end);
      end = item.row.end_event;
    }
  }

  static void checkNames(QWidget* root) {
    for (QWidget* widget : root->findChildren<QWidget*>()) {
      if ((widget->focusPolicy() & Qt::TabFocus) == 0) continue;
      const QString type = QString::fromLatin1(widget->metaObject()->className());
      // Parts that Qt itself makes inside a widget that has a name.
      if (widget->objectName().startsWith(QLatin1String("qt_")) ||
          widget->window() != root->window() ||
          qobject_cast<QAbstractItemView*>(widget->parentWidget()
                                               ? widget->parentWidget()->parentWidget()
                                               : nullptr) != nullptr) {
        continue;
      }
      QAccessibleInterface* accessible = QAccessible::queryAccessibleInterface(widget);
      QString name = accessible != nullptr ? accessible->text(QAccessible::Name) : QString();
      // Qt reports a tab bar's tabs, which have names, and not its own.
      if (qobject_cast<QTabBar*>(widget) != nullptr) name = widget->accessibleName();
      QVERIFY2(!name.isEmpty(),
               qPrintable(type + QLatin1Char(' ') + widget->objectName() + QLatin1String(" in ") +
                          QLatin1String(widget->parent()->metaObject()->className())));
    }
  }

  static void checkMnemonics(const QString& text, QSet<QString>& seen) {
    const QString key = QKeySequence::mnemonic(text).toString();
    if (key.isEmpty()) return;
    QVERIFY2(!seen.contains(key), qPrintable(text));
    seen.insert(key);
  }

  test::OpenedWindow m_window{{.context = 8192}};
};

UI_TEST(WindowTest)
#include "window_test.moc"
