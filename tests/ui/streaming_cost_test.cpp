// SPDX-License-Identifier: Apache-2.0
// What a token of a streaming answer costs the UI thread: the chat view as the window has it, with
// and without ink, at the end of paragraphs of 50 to 5,000 tokens. Prints processor time; what is
// checked is the work, which must not grow with the paragraph.
#include <QApplication>
#include <QPaintEvent>
#include <QScrollBar>
#include <QtTest>
#include <algorithm>

#include "engram/bench/thread_seconds.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/chat/chat_view.h"

using namespace mneme;

namespace {

constexpr int kMeasured = 120;  // the last tokens of the paragraph

// The area that is painted anew, in pixels.
class PaintedArea : public QObject {
 public:
  using QObject::QObject;
  qint64 pixels = 0;

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override {
    if (event->type() == QEvent::Paint) {
      for (const QRect& rect : static_cast<QPaintEvent*>(event)->region()) {
        pixels += qint64{rect.width()} * rect.height();
      }
    }
    return QObject::eventFilter(watched, event);
  }
};

struct Cost {
  double milliseconds = 0;  // of this thread, for a token
  double characters = 0;    // laid out for a token
  double pixels = 0;
};

}  // namespace

class StreamingCostTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() { Theme::choose(Theme::Choice::light); }

  void aTokenCostsTheSameHoweverLongTheParagraph_data() {
    QTest::addColumn<bool>("ink");
    QTest::addColumn<bool>("lines");
    QTest::newRow("plain") << false << false;
    QTest::newRow("ink") << true << false;
    QTest::newRow("code") << false << true;
  }

  void aTokenCostsTheSameHoweverLongTheParagraph() {
    QFETCH(bool, ink);
    QFETCH(bool, lines);
    stream(50, ink, lines);  // fonts are loaded
    const Cost brief = stream(50, ink, lines);
    for (const int tokens : {500, 5000}) {
      const Cost cost = stream(tokens, ink, lines);
      QVERIFY2(cost.characters < 700, qPrintable(QString::number(cost.characters)));
      QVERIFY2(cost.pixels < 2.5 * brief.pixels, qPrintable(QString::number(cost.pixels)));
    }
  }

 private:
  Cost stream(int tokens, bool ink, bool lines) {
    test::Chat chat;
    std::string all = lines ? "```cpp\n" : "";
    const std::string piece = lines ? "  int horse = tame(14);  // of Alexander\n" : test::kAnswer;
    while (static_cast<int>(test::Chat::tokens(all).size()) < tokens) all += piece + ' ';
    const BranchTrace::MessageRange part = chat.message(2, TokenSource::assistant, all);
    InspectSource source;
    source.setModel(chat.model());
    BranchTrace branch;
    Selection selection;
    TranscriptModel model;
    MessageRow question;
    question.id = 1;
    question.role = Role::user;
    question.text = test::kQuestion;
    MessageRow answer;
    answer.id = 2;
    answer.parent = 1;
    answer.role = Role::assistant;
    model.setTree({question, answer}, 2);
    branch.reset(chat.log, {{.message = 2, .first = part.first, .end = part.first + 1}});
    ChatView view(model, selection, {branch, selection, source});
    view.resize(900, 640);
    view.setInk(ink);
    view.show();
    [&] { QVERIFY(QTest::qWaitForWindowExposed(&view)); }();
    PaintedArea painted;
    view.viewport()->installEventFilter(&painted);
    std::string text;
    Cost cost;
    int characters = 0;
    double began = 0;
    const EventIndex end = std::min(part.first + 1 + static_cast<EventIndex>(tokens), part.end - 1);
    const EventIndex from = end - std::min<EventIndex>(kMeasured, end - part.first - 1);
    for (EventIndex event = part.first + 1; event < end; ++event) {
      if (event == from) {
        painted.pixels = 0;
        characters = MessageLayout::charactersLaidOut();
        began = thread_seconds();
      }
      text += source.model()->tokenBytes(chat.log->record(event).token());
      branch.extendLast(event + 1);
      model.setEvents(2, part.first, event + 1);
      AnswerLive live;
      live.progress.phase = GeneratePhase::decode;
      live.progress.generated = static_cast<std::int64_t>(event - part.first);
      live.tokensPerSecond = 40;
      model.setStreaming(2, QString::fromStdString(text), live);
      if (event < from && event % 16 != 0) continue;
      QApplication::processEvents();
    }
    const double measured = static_cast<double>(end - from);
    cost.milliseconds = (thread_seconds() - began) * 1000 / measured;
    cost.characters = (MessageLayout::charactersLaidOut() - characters) / measured;
    cost.pixels = static_cast<double>(painted.pixels) / measured;
    qInfo("%4d tokens in one paragraph: %.2f ms a token, %.0f characters laid out, %.0f pixels",
          tokens, cost.milliseconds, cost.characters, cost.pixels);
    return cost;
  }
};

UI_TEST(StreamingCostTest)
#include "streaming_cost_test.moc"
