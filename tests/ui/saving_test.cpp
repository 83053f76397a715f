// SPDX-License-Identifier: Apache-2.0
// Nothing that was typed or answered is lost: the whole window on the real engine, a tiny model,
// and a disk that refuses writes when the test says so.
#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QLineEdit>
#include <QListView>
#include <QListWidget>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QtTest>

#include "tests/support/refused_writes.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/chat_panel.h"
#include "ui/views/chat/chat_view.h"
#include "ui/views/chat/composer.h"
#include "ui/views/window/deleted_chats_dialog.h"
#include "ui/views/window/main_window.h"
#include "ui/views/window/side_panel.h"

using namespace mneme;

class SavingTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    m_window.open();
    m_window->resize(1300, 800);
  }
  void cleanup() {
    m_full.end();
    m_window.startOver();
  }

  void aMessageStaysWhereItWasTypedUntilItIsOnDisk() {
    m_window.openTiny();
    m_full.begin();
    m_window.write(QStringLiteral("keep this"));
    QTRY_VERIFY2(bannerText().contains(QStringLiteral("not sent")), qPrintable(bannerText()));
    QVERIFY(bannerText().contains(QStringLiteral("no room left")));
    QCOMPARE(composer()->text(), QStringLiteral("keep this"));
    QVERIFY(!composer()->edit()->isReadOnly());
    QCOMPARE(conversation().chat(), ChatId{0});
    QCOMPARE(conversation().transcript().rowCount(), 0);
    m_full.end();
    QTest::keyClick(composer()->edit(), Qt::Key_Return);
    QTRY_COMPARE(conversation().transcript().rowCount(), 2);
    m_window.finish();
    QVERIFY(composer()->text().isEmpty());
    QTRY_COMPARE(m_window->chats().rowCount(), 2);  // one chat: the failed try left none
    QCOMPARE(conversation().transcript().at(0).text, QStringLiteral("keep this"));
  }

  void anEditedMessageStaysToo() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("first"));
    composer()->setText(QStringLiteral("a draft"));
    m_window->action("edit")->trigger();
    m_full.begin();
    m_window.write(QStringLiteral("first, better"));
    QTRY_VERIFY(bannerText().contains(QStringLiteral("not sent")));
    QCOMPARE(composer()->text(), QStringLiteral("first, better"));
    QVERIFY(composer()->editing() != 0);
    m_full.end();
    QTest::keyClick(composer()->edit(), Qt::Key_Return);
    QTRY_COMPARE(conversation().transcript().at(0).text, QStringLiteral("first, better"));
    m_window.finish();
    QCOMPARE(composer()->text(), QStringLiteral("a draft"));
  }

  void anEditedAnswerStaysToo() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("first"));
    composer()->setText(QStringLiteral("a draft"));
    const TranscriptItem old = conversation().transcript().at(1);
    Q_EMIT m_window->panel()->view()->actionRequested(old.row.id, MessageAction::edit);
    m_full.begin();
    QSignalSpy posted(&conversation(), &Conversation::messagePosted);
    m_window.write(QStringLiteral("a better answer"));
    QTRY_COMPARE(posted.count(), 1);  // the draft may have failed before it
    QTRY_VERIFY2(bannerText().contains(QStringLiteral("no room left")), qPrintable(bannerText()));
    QCOMPARE(composer()->text(), QStringLiteral("a better answer"));
    QCOMPARE(composer()->editing(), old.row.id);
    QCOMPARE(conversation().transcript().at(1).text, old.text);
    m_full.end();
    QTest::keyClick(composer()->edit(), Qt::Key_Return);
    QTRY_COMPARE(conversation().transcript().at(1).text, QStringLiteral("a better answer"));
    QCOMPARE(composer()->text(), QStringLiteral("a draft"));
    QCOMPARE(composer()->editing(), qint64{0});
    m_window.reopen();
    QTRY_COMPARE(conversation().transcript().rowCount(), 2);
    QCOMPARE(conversation().transcript().at(1).text, QStringLiteral("a better answer"));
    QCOMPARE(composer()->text(), QStringLiteral("a draft"));
  }

  // Also where another chat is opened before the disk has said no.
  void aMessageThatWasNotStoredIsTheDraftOfItsChat() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("first"));
    const ChatId first = conversation().chat();
    m_window->action("newChat")->trigger();
    m_full.begin();
    m_window.write(QStringLiteral("of the new chat"));
    conversation().open(first);
    QTRY_COMPARE(conversation().chat(), first);
    QTRY_VERIFY(bannerText().contains(QStringLiteral("no room left")));
    QCOMPARE(composer()->text(), QString());
    m_window->action("newChat")->trigger();
    QCOMPARE(composer()->text(), QStringLiteral("of the new chat"));
  }

  void anAnswerThatFindsNoRoomIsShownAndStoredLater() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("first"));
    const ChatId first = conversation().chat();
    conversation().setSettings(m_window.settings(100000));
    m_window.write(QStringLiteral("second"));
    QTRY_VERIFY(conversation().transcript().rowCount() == 4 &&
                conversation().transcript().at(3).live &&
                conversation().transcript().at(3).live->progress.generated > 0);
    m_full.begin();
    QTRY_VERIFY2(bannerText().contains(QStringLiteral("tried again")), qPrintable(bannerText()));
    QVERIFY(bannerText().contains(QStringLiteral("no room left")));
    conversation().stop();
    m_window.finish();
    const QString text = conversation().transcript().at(3).text;
    const MessageState state = conversation().transcript().at(3).row.state;
    // It is found again on coming back, with its records.
    m_window->action("newChat")->trigger();
    conversation().open(first);
    QTRY_COMPARE(conversation().transcript().rowCount(), 4);
    QCOMPARE(conversation().transcript().at(3).text, text);
    QCOMPARE(conversation().transcript().at(3).row.state, state);
    const int tokens = m_window->branch().size();
    QVERIFY(tokens > 0);
    conversation().setSettings(m_window.settings(test::OpenedWindow::kTokens));
    m_full.end();
    QTRY_VERIFY_WITH_TIMEOUT(bannerText().contains(QStringLiteral("Everything is saved")), 20000);
    m_window.ask(QStringLiteral("third"));
    m_window.reopen();
    conversation().open(first);
    QTRY_COMPARE(conversation().transcript().rowCount(), 6);
    QCOMPARE(conversation().transcript().at(3).text, text);
    QCOMPARE(conversation().transcript().at(3).row.state, state);
    QVERIFY(m_window->branch().size() > tokens);
  }

  void aNameAndSettingsAreStoredLaterToo() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("question"));
    const ChatId chat = conversation().chat();
    m_full.begin();
    m_window->chats().setData(m_window->chats().indexOf(chat), QStringLiteral("A name"),
                              Qt::EditRole);
    conversation().setSystemPrompt(QStringLiteral("Be brief."));
    QTRY_VERIFY(bannerText().contains(QStringLiteral("no room left")));
    m_full.end();
    QTRY_VERIFY_WITH_TIMEOUT(bannerText().contains(QStringLiteral("Everything is saved")), 20000);
    QTRY_COMPARE(m_window->chats().index(1).data().toString(), QStringLiteral("A name"));
    m_window.reopen();
    conversation().open(chat);
    QTRY_COMPARE(conversation().title(), QStringLiteral("A name"));
    QCOMPARE(conversation().systemPrompt(), QStringLiteral("Be brief."));
  }

  void aDeleteThatFailsSaysSoAndLeavesTheChat() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("question"));
    m_full.begin();
    m_window->action("delete")->trigger();
    QTRY_VERIFY2(bannerText().contains(QStringLiteral("was not deleted")),
                 qPrintable(bannerText()));
    QTRY_COMPARE(m_window->chats().rowCount(), 2);
  }

  void draftsBelongToTheirChatsAndSurviveARestart() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("one"));
    const ChatId one = conversation().chat();
    composer()->setText(QStringLiteral("draft of one"));
    m_window->action("newChat")->trigger();
    QCOMPARE(composer()->text(), QString());
    composer()->setText(QStringLiteral("draft of a new chat"));
    conversation().open(one);
    QTRY_COMPARE(composer()->text(), QStringLiteral("draft of one"));
    m_window->action("newChat")->trigger();
    QCOMPARE(composer()->text(), QStringLiteral("draft of a new chat"));
    m_window.reopen();
    QTRY_COMPARE(composer()->text(), QStringLiteral("draft of a new chat"));
    conversation().open(one);
    QTRY_COMPARE(composer()->text(), QStringLiteral("draft of one"));
    // Sent: no draft any more, here and after a restart.
    QTest::keyClick(composer()->edit(), Qt::Key_Return);
    QTRY_COMPARE(conversation().transcript().rowCount(), 4);
    m_window.finish();
    m_window.reopen();
    QTRY_COMPARE(conversation().transcript().rowCount(), 4);
    QCOMPARE(composer()->text(), QString());
    m_window->action("newChat")->trigger();
    QCOMPARE(composer()->text(), QStringLiteral("draft of a new chat"));
  }

  void anEditInProgressSurvivesARestart() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("one"));
    composer()->setText(QStringLiteral("a draft"));
    m_window->action("edit")->trigger();
    const MessageId question = composer()->editing();
    QTest::keyClicks(composer()->edit(), QStringLiteral(" more"));
    m_window.reopen();
    QTRY_COMPARE(composer()->editing(), question);
    QCOMPARE(composer()->text(), QStringLiteral("one more"));
    QTest::keyClick(composer()->edit(), Qt::Key_Escape);
    QCOMPARE(composer()->text(), QStringLiteral("a draft"));
  }

  // Not only at the end: a kill finds it on disk too.
  void aDraftIsWrittenAMomentAfterTyping() {
    QTest::keyClicks(composer()->edit(), QStringLiteral("typed"));
    QTRY_COMPARE(storedDraft(0), QStringLiteral("typed"));
    QTest::keyClicks(composer()->edit(), QStringLiteral(" on"));
    QTRY_COMPARE(storedDraft(0), QStringLiteral("typed on"));
    composer()->setText({});
    QTRY_COMPARE(storedDraft(0), QString());
  }

  void deletedChatsAreFoundBroughtBackAndDeletedForGood() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("the zebra question"));
    const ChatId zebra = conversation().chat();
    m_window->action("newChat")->trigger();
    m_window.ask(QStringLiteral("the giraffe question"));
    const ChatId giraffe = conversation().chat();
    for (const ChatId chat : {zebra, giraffe}) {
      conversation().open(chat);
      QTRY_COMPARE(conversation().chat(), chat);
      m_window->action("delete")->trigger();
      QTRY_COMPARE(conversation().chat(), ChatId{0});
    }
    QTRY_COMPARE(m_window->chats().rowCount(), 0);
    m_window.reopen();
    m_window->side()->search()->setText(QStringLiteral("zebra"));
    QTRY_VERIFY(m_window->chats().searching());
    QCOMPARE(m_window->chats().rowCount(), 1);  // nothing found
    m_window->side()->search()->clear();

    m_window->action("deletedChats")->trigger();
    auto* dialog = m_window->findChild<DeletedChatsDialog*>();
    QVERIFY(dialog != nullptr);
    QTRY_COMPARE(dialog->list()->count(), 2);
    QVERIFY(dialog->list()->item(0)->text().contains(QStringLiteral("30 days left")));
    dialog->searchBox()->setText(QStringLiteral("ZEBRA"));
    QTRY_COMPARE(dialog->list()->count(), 1);
    dialog->deleteForGood(giraffe);
    dialog->restoreButton()->click();
    QTRY_COMPARE(conversation().chat(), zebra);
    QCOMPARE(conversation().transcript().rowCount(), 2);
    QTRY_COMPARE(m_window->chats().rowCount(), 2);
    bool gone = false;
    m_window.store().run([&](Library& library) { gone = !library.chat(giraffe); });
    QVERIFY(gone);
  }

  void aChatMayBeDeletedForGoodWhileItIsAnswered() {
    m_window.openTiny();
    conversation().setSettings(m_window.settings(100000));
    m_window.write(QStringLiteral("go on for ever"));
    QTRY_VERIFY(conversation().answeringHere());
    const ChatId chat = conversation().chat();
    m_window->action("newChat")->trigger();
    QVERIFY(conversation().answering());
    m_window.store().run([&](Library& library) {
      QVERIFY(library.delete_chat(chat));
      QVERIFY(library.purge_chat(chat));
    });
    QTest::qWait(600);  // a few writes
    conversation().stop();
    m_window.finish();
    QVERIFY2(bannerText().isEmpty(), qPrintable(bannerText()));
    m_window.ask(QStringLiteral("the next one"));
    QCOMPARE(conversation().transcript().rowCount(), 2);
  }

  void deletingAChatEndsItsAnswerAndKeepsIt() {
    m_window.openTiny();
    conversation().setSettings(m_window.settings(100000));
    m_window.write(QStringLiteral("go on for ever"));
    QTRY_VERIFY(conversation().answeringHere() && conversation().transcript().at(1).live &&
                conversation().transcript().at(1).live->progress.generated > 20);
    const ChatId chat = conversation().chat();
    m_window->action("delete")->trigger();
    QTRY_VERIFY(!conversation().answering());
    QTRY_VERIFY(bannerText().contains(QStringLiteral("was deleted")));
    m_window->panel()->banner()->actionButton()->click();
    QTRY_COMPARE(conversation().chat(), chat);
    QCOMPARE(conversation().transcript().at(1).row.state, MessageState::stopped);
    QVERIFY(!conversation().transcript().at(1).text.isEmpty());
  }

  void closingWithAFullDiskAsks() {
    composer()->setText(QStringLiteral("typed last"));
    m_full.begin();
    QVERIFY(!m_window->close());
    QTRY_VERIFY(m_window->closing().question() != nullptr &&
                m_window->closing().question()->isVisible());
    QMessageBox* question = m_window->closing().question();
    QVERIFY2(question->informativeText().contains(QStringLiteral("no room left")),
             qPrintable(question->informativeText()));
    QVERIFY(question->informativeText().contains(QStringLiteral("a draft")));
    question->findChild<QPushButton*>(QStringLiteral("copyUnsaved"))->click();
    QCOMPARE(QGuiApplication::clipboard()->text(), QStringLiteral("typed last"));
    QVERIFY(question->isVisible());
    // Kept open.
    question->reject();
    QVERIFY(m_window->isVisible());
    // Closed by itself once there is room.
    QVERIFY(!m_window->close());
    QTRY_VERIFY(m_window->closing().question() != nullptr);
    m_full.end();
    QTRY_VERIFY_WITH_TIMEOUT(!m_window->isVisible(), 20000);
    m_window.open();
    QTRY_COMPARE(composer()->text(), QStringLiteral("typed last"));
    // Or at once, by the person's choice.
    composer()->setText(QStringLiteral("given up"));
    m_full.begin();
    QVERIFY(!m_window->close());
    QTRY_VERIFY(m_window->closing().question() != nullptr);
    m_window->closing()
        .question()
        ->findChild<QPushButton*>(QStringLiteral("closeUnsaved"))
        ->click();
    QTRY_VERIFY(!m_window->isVisible());
  }

  void closingWhileAnAnswerIsWrittenSavesIt() {
    m_window.openTiny();
    conversation().setSettings(m_window.settings(100000));
    m_window.write(QStringLiteral("go on for ever"));
    QTRY_VERIFY(conversation().answeringHere() && conversation().transcript().rowCount() == 2 &&
                conversation().transcript().at(1).text.size() > 20);
    m_window->close();
    QTRY_VERIFY(!m_window->isVisible());
    const QString text = conversation().transcript().at(1).text;
    m_window.open();
    QTRY_COMPARE(conversation().transcript().rowCount(), 2);
    QCOMPARE(conversation().transcript().at(1).text, text);
    QCOMPARE(conversation().transcript().at(1).row.state, MessageState::stopped);
  }

  void searchShowsThePlacesAndOpensThemByKeyboard() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("a long question about the Zebra, and another zebra"));
    m_window.ask(QStringLiteral("zebra again"));
    const ChatId chat = conversation().chat();
    const MessageId second = conversation().transcript().at(2).row.id;
    m_window->action("newChat")->trigger();
    QLineEdit* search = m_window->side()->search();
    QListView* list = m_window->side()->list();
    search->setFocus();
    QTest::keyClicks(search, QStringLiteral("zebra"));
    QTRY_VERIFY(m_window->chats().rowCount() == 4);  // heading, chat, two places
    QTest::keyClick(search, Qt::Key_Down);
    QVERIFY(list->hasFocus());
    QCOMPARE(list->currentIndex().row(), 2);
    QTest::keyClick(list, Qt::Key_Down);
    QTest::keyClick(list, Qt::Key_Return);
    QTRY_COMPARE(conversation().chat(), chat);
    QTRY_COMPARE(list->currentIndex().data(ChatListModel::MessageRole).toLongLong(), second);
    ChatView* view = m_window->panel()->view();
    QCOMPARE(view->foundIn(0).size(), std::size_t{2});
    QCOMPARE(view->foundIn(2).size(), std::size_t{1});
    QCOMPARE(view->foundIn(2)[0].from, 0);
    QCOMPARE(view->foundIn(2)[0].to, 5);
    m_window->grab();
    QTest::keyClick(list, Qt::Key_Up);
    QTest::keyClick(list, Qt::Key_Up);
    QVERIFY(list->hasFocus());
    QTest::keyClick(list, Qt::Key_Up);
    QVERIFY(search->hasFocus());
    QTest::keyClick(search, Qt::Key_Escape);
    QTRY_VERIFY(!m_window->chats().searching());
    QVERIFY(view->foundIn(0).empty());
    // Enter at once, before the results are there, opens the first place.
    m_window->action("newChat")->trigger();
    search->setFocus();
    QTest::keyClicks(search, QStringLiteral("again"));
    QTest::keyClick(search, Qt::Key_Return);
    QTRY_COMPARE(conversation().chat(), chat);
  }

 private:
  QString storedDraft(ChatId chat) {
    QString text;
    m_window.store().run([&](Library& library) {
      const auto drafts = library.drafts();
      if (!drafts) return;
      for (const DraftRow& draft : *drafts) {
        if (draft.chat == chat) text = QString::fromStdString(draft.text);
      }
    });
    return text;
  }
  Composer* composer() const { return m_window->panel()->composer(); }
  Conversation& conversation() const { return m_window->conversation(); }
  QString bannerText() const { return m_window->panel()->banner()->text(); }

  RefusedWrites m_full;
  test::OpenedWindow m_window{{.context = 8192}};
};

UI_TEST(SavingTest)
#include "saving_test.moc"
