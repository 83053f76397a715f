// SPDX-License-Identifier: Apache-2.0
// Chats over the real engine and a tiny model, without a window: what the next prompt keeps of the
// last one, and that every token has its records.
#include "ui/bridge/conversation.h"

#include <QSignalSpy>
#include <QtTest>

#include "inference/run/prompt.h"
#include "inference/text/tokenizer.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/ui/ui_test.h"

using namespace mneme;

class ConversationTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() {
    m_folder = std::make_unique<TemporaryFolder>();
    auto store = ChatStore::open(":memory:");
    QVERIFY(store);
    m_store = std::move(*store);
    m_host = std::make_unique<EngineHost>(m_jobs);
    m_branch = std::make_unique<BranchTrace>();
    m_conversation = std::make_unique<Conversation>(*m_store, *m_host, *m_branch);
  }
  void cleanup() {
    m_conversation.reset();
    m_branch.reset();
    m_host.reset();
    m_store.reset();
  }

  void aChatThatBeginsLikeAnotherHasTheRecordsOfAllItsTokens() {
    openModel();
    const QString system = QStringLiteral("be brief and say what is true");
    for (int chat = 0; chat < 2; ++chat) {
      m_conversation->newChat(settings(), system);
      ask(QStringLiteral("question %1").arg(chat));
      QCOMPARE(last().result.reused_tokens > 30, chat == 1);
      checkBranch();
      ask(QStringLiteral("and then?"));
      checkBranch();
    }
  }

  void regeneratingAndGoingOnRecordsEachTokenOnce() {
    openModel();
    m_conversation->newChat(settings(), {});
    ask(QStringLiteral("one"));
    const int before = m_branch->size();
    m_conversation->regenerate(m_conversation->transcript().leaf());
    finish();
    QCOMPARE(m_branch->size(), before);
    checkBranch();
    ask(QStringLiteral("two"));
    checkBranch();
  }

  void whatStreamsIsWhatIsKept() {
    openModel();
    ChatSettings wild = settings();
    wild.max_tokens = 200;
    wild.sampling = {.temperature = 5, .top_k = 0, .top_p = 1, .min_p = 0, .seed = 3};
    m_conversation->newChat(wild, {});
    QStringList seen;
    const auto watch = connect(m_conversation.get(), &Conversation::progressed, this, [&] {
      const auto& items = m_conversation->transcript().items();
      if (items.size() == 2) seen << items[1].text;
    });
    ask(QStringLiteral("anything"));
    disconnect(watch);
    const QString text = m_conversation->transcript().at(1).text;
    QVERIFY(seen.size() > 1);
    for (const QString& part : std::as_const(seen)) {
      QVERIFY2(text.startsWith(part), qPrintable(part + QStringLiteral(" | ") + text));
    }
    // The next prompt has exactly the tokens that were picked.
    const GenerateResult first = last().result;
    ask(QStringLiteral("more"));
    QVERIFY(last().result.reused_tokens >= first.prompt_tokens + first.generated_tokens - 1);
  }

  void aStoppedQuestionDoesNotEndTheChat() {
    openModel(
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.role }}]{{ m.content }}"
        "{% endfor %}[assistant]");
    m_conversation->newChat(settings(), {});
    // Too long: this answer fails before its first token.
    m_conversation->send(QString(900, QLatin1Char('x')));
    finish();
    QCOMPARE(m_conversation->transcript().at(1).row.state, MessageState::failed);
    ask(QStringLiteral("shorter"));
    QCOMPARE(m_conversation->transcript().at(3).row.state, MessageState::complete);
    QCOMPARE(last().result.dropped_messages, 2);
    ask(QStringLiteral("and again"));
    QCOMPARE(m_conversation->transcript().at(5).row.state, MessageState::complete);
    // Stopped at once: the question is asked together with the next one.
    const auto stopping = connect(m_conversation.get(), &Conversation::stateChanged, this, [this] {
      if (m_conversation->answering()) m_conversation->stop();
    });
    ask(QStringLiteral("never mind"));
    disconnect(stopping);
    ask(QStringLiteral("go on"));
    QCOMPARE(m_conversation->transcript().items().back().row.state, MessageState::complete);
  }

  void whatWasLeftOutStaysOutWhenTheChatIsOpenedAgain() {
    openModel();
    m_conversation->newChat(settings(), {});
    while (m_conversation->transcript().rowCount() < 200 &&
           (m_conversation->transcript().rowCount() == 0 || last().result.dropped_messages == 0)) {
      ask(QStringLiteral("the land and the sea"));
    }
    const std::int64_t dropped = last().result.dropped_messages;
    QVERIFY(dropped > 0);
    const ChatId chat = m_conversation->chat();
    m_conversation->newChat(settings(), {});
    ask(QStringLiteral("something else"));
    m_conversation->open(chat);
    QTRY_VERIFY(!m_conversation->loading());
    ask(QStringLiteral("and now"));
    QCOMPARE(last().result.dropped_messages, dropped);
    ask(QStringLiteral("and then"));
    QCOMPARE(last().result.dropped_messages, dropped);
    QVERIFY(last().result.reused_tokens * 10 > last().result.prompt_tokens * 7);
  }

  void theSystemPromptIsCountedBesideTheUi() {
    openModel();
    m_conversation->newChat(settings(), QStringLiteral("be brief"));
    const auto count = [&](const char* text) {
      return static_cast<std::int64_t>(m_host->model()->tokenizer().encode(text).size());
    };
    QTRY_COMPARE(m_conversation->contextUse().system, count("be brief"));
    m_conversation->setSystemPrompt(QStringLiteral("be brief, please"));
    QTRY_COMPARE(m_conversation->contextUse().system, count("be brief, please"));
    m_conversation->setSystemPrompt({});
    QTRY_COMPARE(m_conversation->contextUse().system, 0);
  }

  void theTemplateIsToldWhenTheChatBegan() {
    openModel("{{ strftime_now('%Y') }}{% for m in messages %}{{ m.content }}{% endfor %}");
    m_conversation->newChat(settings(), {});
    ask(QStringLiteral("what year?"));
    QCOMPARE(m_conversation->transcript().at(1).row.state, MessageState::complete);
    checkBranch();
  }

 private:
  void openModel(const std::string& chatTemplate = {}) {
    std::string path = write_tiny_model(m_folder->path(), {.context = 512});
    if (!chatTemplate.empty()) {
      const auto file = GgufFile::open(path);
      QVERIFY(file);
      path = m_folder->file("edited.gguf");
      write_edited(*file,
                   replace_key("tokenizer.chat_template",
                               [&](GgufWriter& writer) {
                                 writer.add_string("tokenizer.chat_template", chatTemplate);
                               }),
                   path);
    }
    QSignalSpy opened(m_host.get(), &EngineHost::modelOpened);
    m_host->openModel(
        {.model_path = path, .memory = m_folder->file("tiny.engram.gguf"), .threads = 1});
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 60'000);
  }
  static ChatSettings settings() {
    ChatSettings settings;
    settings.sampling.seed = 5;
    settings.max_tokens = 6;
    return settings;
  }
  void finish() {
    QTRY_VERIFY_WITH_TIMEOUT(
        !m_conversation->answering() && m_conversation->blockedReason().isEmpty(), 60'000);
  }
  void ask(const QString& text) {
    m_conversation->send(text);
    finish();
  }
  const AnswerRecord& last() const {
    return *m_conversation->transcript().items().back().row.answer;
  }
  // Every token that the last answer read or made is on screen, once, in order.
  void checkBranch() {
    const GenerateResult& result = last().result;
    QCOMPARE(std::int64_t(m_branch->size()), result.prompt_tokens + result.generated_tokens);
    for (int i = 0; i < m_branch->size(); ++i) {
      QCOMPARE(m_branch->recordAt(i).header().position, static_cast<std::uint32_t>(i));
    }
  }

  std::unique_ptr<TemporaryFolder> m_folder;
  Jobs m_jobs;
  std::unique_ptr<ChatStore> m_store;
  std::unique_ptr<EngineHost> m_host;
  std::unique_ptr<BranchTrace> m_branch;
  std::unique_ptr<Conversation> m_conversation;
};

UI_TEST(ConversationTest)
#include "conversation_test.moc"
