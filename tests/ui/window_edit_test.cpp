// SPDX-License-Identifier: Apache-2.0
// Edit on the real engine: what it stands under, a question or an answer, gets another version.
#include <QAction>

#include "inference/text/tokenizer.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/ui_test.h"
#include "ui/views/chat/answer_text.h"
#include "ui/views/chat/chat_view.h"

using namespace mneme;

class WindowEditTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() { m_window.open(); }
  void cleanup() { m_window.close(); }

  void editEditsWhatItStandsUnder() {
    m_window.openTiny();
    m_window.ask(QStringLiteral("first"));
    Composer* composer = m_window->panel()->composer();
    const auto edit = [&](int row) {
      Q_EMIT m_window->panel()->view()->actionRequested(
          m_window->conversation().transcript().at(row).row.id, MessageAction::edit);
    };
    edit(0);
    QCOMPARE(composer->text(), QStringLiteral("first"));
    const TranscriptItem old = m_window->conversation().transcript().at(1);
    edit(1);
    QCOMPARE(composer->editing(), old.row.id);
    QCOMPARE(composer->text(), old.text);
    m_window.write(QStringLiteral("a better answer"));
    const auto& items = m_window->conversation().transcript().items();
    QTRY_COMPARE(items[1].text, QStringLiteral("a better answer"));
    QCOMPARE(items.size(), std::size_t{2});
    QCOMPARE(items[1].previousSibling, old.row.id);
    QCOMPARE(answerFigures(items[1], false, StorageKind::direct), QStringLiteral("edited"));
    // No model wrote it, so nothing is said of its tokens.
    QCOMPARE(items[1].row.end_event, items[1].row.first_event);
    QVERIFY(!items[1].row.answer);
    for (const BranchTrace::MessageRange& part : m_window->branch().parts()) {
      QVERIFY(part.message != old.row.id);
    }
    // The old one is a step away, the new one is on disk and in the next prompt.
    m_window->action("previousVersion")->trigger();
    QCOMPARE(m_window->conversation().transcript().at(1).text, old.text);
    m_window->action("nextVersion")->trigger();
    m_window.open();
    m_window.openTiny();
    QTRY_COMPARE(m_window->conversation().transcript().rowCount(), 2);
    QCOMPARE(m_window->conversation().transcript().at(1).text, QStringLiteral("a better answer"));
    m_window.ask(QStringLiteral("and now"));
    const Tokenizer& tokenizer = m_window->engine().model()->tokenizer();
    std::vector<TokenId> tokens;
    for (int i = 0; i < m_window->branch().size(); ++i) {
      tokens.push_back(m_window->branch().recordAt(i).token());
    }
    std::string said;
    for (const TokenId token : tokens) tokenizer.append_decoded(token, said);
    QVERIFY2(said.find("a better answer") != std::string::npos, said.c_str());
    QVERIFY2(said.find("and now") != std::string::npos, said.c_str());
    said.resize(said.find("and now"));  // the next answer may well say the same again
    QVERIFY2(said.find(old.text.toStdString()) == std::string::npos, said.c_str());
    // Without a model too.
    m_window->action("closeModel")->trigger();
    edit(1);
    m_window.write(QStringLiteral("still better"));
    QTRY_COMPARE(m_window->conversation().transcript().at(1).text, QStringLiteral("still better"));
  }

 private:
  test::OpenedWindow m_window;
};

UI_TEST(WindowEditTest)
#include "window_edit_test.moc"
