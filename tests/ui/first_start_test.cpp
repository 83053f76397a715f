// SPDX-License-Identifier: Apache-2.0
// The welcome page: when it is shown, what it says of a machine as that becomes known, the ways to
// a model, and the keys.
#include <QClipboard>
#include <QDockWidget>
#include <QHeaderView>
#include <QLabel>
#include <QScrollBar>
#include <QSignalSpy>
#include <atomic>
#include <thread>

#include "tests/ui/opened_window.h"
#include "tests/ui/pictures.h"
#include "tests/ui/ui_test.h"
#include "ui/views/chat/banner.h"
#include "ui/views/chat/welcome_view.h"
#include "ui/views/start/found_card.h"
#include "ui/views/start/machine_card.h"
#include "ui/views/start/package_ways.h"
#include "ui/views/start/sizes_card.h"
#include "ui/views/start/start_page.h"
#include "ui/views/start/ways_card.h"
#include "ui/views/window/open_model_dialog.h"
#include "ui/views/window/start_guide.h"

using namespace mneme;

namespace {

constexpr std::uint64_t kGb = 1'000'000'000;

FoundModel found(const char* name, const char* program, std::uint64_t bytes) {
  FoundModel model;
  model.path = std::string("/models/") + name + ".gguf";
  model.program = program;
  model.name = name;
  model.architecture = "llama";
  model.quantisation = "Q4_K";
  model.bytes = bytes;
  return model;
}

FoundModels foundModels() {
  FoundModels all;
  all.models = {found("Llama 3.2 3B Instruct", "LM Studio", 2 * kGb),
                found("smollm2:1.7b", "Ollama", kGb)};
  all.models[1].memory = FoundModel::Memory::pack;
  FoundModel mixture = found("Qwen3 30B A3B", "Hugging Face cache", 18 * kGb);
  mixture.experts = 128;
  mixture.architecture = "qwen3moe";
  mixture.unusable = "the architecture \"qwen3moe\" is not known";
  all.models.push_back(mixture);
  all.looked = {{.program = "LM Studio", .folder = "/home/a/.lmstudio/models"}};
  return all;
}

// What a made machine answers, and how often it was asked.
struct MadeMachine {
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
  StartSources sources;

  MadeMachine() {
    const auto count = asked;
    sources.facts = [count] {
      ++*count;
      MachineFacts facts;
      facts.processor = "Ryzen 7 7700";
      facts.cores = 8;
      facts.instructions = "AVX-512 with VNNI";
      facts.ram.total_bytes = 32 * kGb;
      facts.ram.free_bytes = 26 * kGb;
      return facts;
    };
    sources.gpus = [count](const Jobs::Stop&) -> Result<std::vector<DeviceInfo>> {
      ++*count;
      DeviceInfo card;
      card.id = "vulkan:0";
      card.name = "RTX 4070";
      card.driver = "NVIDIA 550.54";
      card.total_bytes = card.free_bytes = 12 * kGb;
      card.automatic = true;
      DeviceInfo other;
      other.name = "Radeon in the processor";
      other.unusable = "it would use the same RAM";
      return std::vector{other, card};
    };
    sources.ramSpeed = [count](const Jobs::Stop&) -> Result<double> {
      ++*count;
      return 58.0;
    };
    sources.gpuSpeed = [count](const std::string&, const Jobs::Stop&) -> Result<double> {
      ++*count;
      return 480.0;
    };
    sources.drive = [count](const Jobs::Stop&) -> Result<DriveSpeed> {
      ++*count;
      DriveSpeed speed;
      speed.large_bytes_per_second = 6.8e9;
      speed.small_reads_per_second = 612000;
      speed.small_read_us = 84;
      speed.small_read_us_p99 = 210;
      return speed;
    };
    sources.models = [count](const Jobs::Stop&) {
      ++*count;
      return foundModels();
    };
  }
};

constexpr int kAllAsked = 6;

// Everything that labels of it say, a line each.
QString wordsOf(const QWidget* part) {
  QStringList lines;
  for (const QLabel* label : part->findChildren<QLabel*>()) lines << label->text();
  return lines.join(QLatin1Char('\n'));
}

}  // namespace

class FirstStartTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init() { m_machine = {}; }
  void cleanup() { m_window.reset(); }

  void nothingIsAskedBeforeThePageIsSeen() {
    openFirst();
    QVERIFY(page() != nullptr);
    QCOMPARE(*m_machine.asked, 0);
    QTRY_COMPARE(*m_machine.asked, kAllAsked);
  }

  void itHasTheWholeRoomAndTheLayoutIsAsItWasAfterwards() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->open([&](WindowSetup& setup) { setup.start = m_machine.sources; });
    window()->showPreset(MainWindow::Preset::inspect);
    QCoreApplication::processEvents();
    const auto shown = [&] {
      QStringList names;
      for (const QDockWidget* dock : window()->findChildren<QDockWidget*>()) {
        if (dock->isVisible())
          names << QStringLiteral("%1 %2x%3")
                       .arg(dock->objectName())
                       .arg(dock->width())
                       .arg(dock->height());
      }
      return names;
    };
    const QStringList before = shown();
    QVERIFY(before.size() >= 4);
    window()->action("welcomePage")->trigger();
    QCoreApplication::processEvents();
    QVERIFY(page() != nullptr && page()->isVisible());
    QCOMPARE(shown(), QStringList());
    QCOMPARE(page()->width(), window()->width());
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Escape);
    QCoreApplication::processEvents();
    QVERIFY(page() == nullptr);
    QCOMPARE(shown(), before);
    QVERIFY(window()->panel()->composer()->edit()->hasFocus());
  }

  // What the docks were is kept, also when the program ends on the page.
  void aWindowClosedOnThePageKeepsItsLayout() {
    m_window = std::make_unique<test::OpenedWindow>();
    const auto made = [&](WindowSetup& setup) { setup.start = m_machine.sources; };
    m_window->open(made);
    window()->showPreset(MainWindow::Preset::inspect);
    QCoreApplication::processEvents();
    window()->action("welcomePage")->trigger();
    QCoreApplication::processEvents();
    m_window->open(made);
    QCoreApplication::processEvents();
    QVERIFY(page() == nullptr);
    QVERIFY(window()->findChild<QDockWidget*>(QStringLiteral("tokenDock"))->isVisible());
  }

  void itIsShownOnceAndAgainFromTheHelpMenu() {
    openFirst();
    m_window->openFirst(sources());
    QVERIFY2(page() == nullptr, "the second start");
    QVERIFY(window()->findChild<QDockWidget*>(QStringLiteral("chatsDock"))->isVisible());
    window()->action("welcomePage")->trigger();
    QVERIFY(page() != nullptr);
  }

  void whoNamesAModelSeesNoPageNorAtTheNextStart() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->openFirst([&](WindowSetup& setup) {
      setup.start = m_machine.sources;
      setup.settings->set("model/path", m_window->model().toStdString());
      setup.settings->set("model/open_at_start", true);
    });
    QVERIFY(page() == nullptr);
    QTRY_COMPARE(window()->engine().state(), EngineHost::State::ready);
    window()->settings().set("model/path", std::string());
    m_window->openFirst(sources());
    QVERIFY(page() == nullptr);
    QCOMPARE(*m_machine.asked, 0);
  }

  void whatTheMachineIsComesWithoutAJump() {
    openFirst();
    QCoreApplication::processEvents();
    const auto places = [&] {
      QList<QPoint> at;
      for (const QWidget* part : std::initializer_list<QWidget*>{page()->machine(), page()->sizes(),
                                                                 page()->ways(), page()->found()}) {
        at << part->mapTo(page()->widget(), QPoint());
      }
      for (const QLabel* label : page()->machine()->findChildren<QLabel*>())
        at << label->mapTo(page()->widget(), QPoint());
      for (const QLabel* label : page()->sizes()->findChildren<QLabel*>())
        at << QPoint(0, label->mapTo(page()->widget(), QPoint()).y());
      return at;
    };
    const QList<QPoint> before = places();
    QTRY_VERIFY(wordsOf(page()->machine()).contains(QStringLiteral("84 µs")));
    QTRY_VERIFY(page()->found()->list()->isVisible());
    QCoreApplication::processEvents();
    QCOMPARE(places(), before);
    const QString machine = wordsOf(page()->machine());
    for (const char* words :
         {"Ryzen 7 7700, 8 cores, AVX-512 with VNNI", "32 GB, 26 GB free, about 58 GB/s",
          "RTX 4070, 12 GB, NVIDIA 550.54", "Radeon in the processor: it would use the same RAM",
          "6.8 GB/s in large reads, 612,000 small reads a second",
          "84 µs for an n-gram row, 210 µs for the slowest 1 %", "n-gram tables cost at most"}) {
      QVERIFY2(machine.contains(QString::fromUtf8(words)), qPrintable(machine));
    }
    const QString sizes = wordsOf(page()->sizes());
    QVERIFY2(sizes.contains(QStringLiteral("GPU and RAM")) && !sizes.contains(QStringLiteral("…")),
             qPrintable(sizes));
  }

  void nothingIsSaidToNotFitBeforeTheRamWasMeasured() {
    std::atomic<bool> measured = false;
    m_machine.sources.ramSpeed = [&measured](const Jobs::Stop&) -> Result<double> {
      while (!measured) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return 58.0;
    };
    openFirst();
    QTRY_VERIFY(wordsOf(page()->sizes()).contains(QStringLiteral("measuring the RAM")));
    QTRY_VERIFY(page()->found()->list()->isVisible());
    const FoundTable& found = page()->found()->table();
    const QString now =
        wordsOf(page()->sizes()) + found.index(0, FoundTable::place).data().toString();
    measured = true;
    QVERIFY2(!now.contains(QStringLiteral("does not fit")), qPrintable(now));
    QTRY_VERIFY(wordsOf(page()->sizes()).contains(QStringLiteral("does not fit")));
  }

  void whatCannotBeMeasuredSaysWhyInItsRow() {
    m_machine.sources.gpus = [](const Jobs::Stop&) { return std::vector<DeviceInfo>(); };
    m_machine.sources.drive = [](const Jobs::Stop&) -> Result<DriveSpeed> {
      return Error{ErrorCode::io, "/home/a is read-only"};
    };
    m_machine.sources.models = [](const Jobs::Stop&) {
      FoundModels none;
      none.looked = {{.program = "Mneme", .folder = "/a"}};
      none.missing = {{.program = "Ollama", .folder = "/b"},
                      {.program = "LM Studio", .folder = "/c"}};
      none.left_out = {"/a/locked may not be read"};
      return none;
    };
    openFirst();
    QTRY_VERIFY(wordsOf(page()->machine()).contains(QStringLiteral("/home/a is read-only")));
    QVERIFY(wordsOf(page()->machine()).contains(QStringLiteral("none that can be used")));
    QTRY_VERIFY(wordsOf(page()->found())
                    .contains(QStringLiteral(
                        "No models: looked in the folders of Mneme, Ollama, LM Studio.")));
    QVERIFY(wordsOf(page()->found()).contains(QStringLiteral("/a/locked may not be read")));
    QVERIFY(!page()->found()->list()->isVisible());
  }

  void aModelOfTheListIsOpenedAndThePageGoes() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_machine.sources.models = [path = m_window->model().toStdString()](const Jobs::Stop&) {
      FoundModels all = foundModels();
      all.models[1].path = path;
      return all;
    };
    m_window->openFirst(sources());
    FoundView* list = page()->found()->list();
    QTRY_COMPARE(list->model()->rowCount(), 3);
    list->setFocus();
    QTest::keyClick(list, Qt::Key_Down);
    QCOMPARE(list->currentIndex().row(), 1);
    QTest::keyClick(list, Qt::Key_Return);
    QVERIFY(page() == nullptr);
    QTRY_COMPARE(window()->engine().state(), EngineHost::State::ready);
    QCOMPARE(QString::fromStdString(window()->engine().layout()->path), m_window->model());
  }

  void aPressOnOpenOpens() {
    openFirst();
    FoundView* list = page()->found()->list();
    QTRY_VERIFY(list->isVisible());
    QCoreApplication::processEvents();
    QSignalSpy opened(page(), &StartPage::openRequested);
    const auto press = [&](int row) {
      const QRect cell = list->visualRect(list->model()->index(row, FoundTable::open));
      QTest::mouseClick(list->viewport(), Qt::LeftButton, {}, cell.center());
    };
    press(2);  // it cannot be opened
    QCOMPARE(opened.count(), 0);
    press(0);
    QCOMPARE(opened.count(), 1);
    QCOMPARE(opened.first().first().toString(),
             QStringLiteral("/models/Llama 3.2 3B Instruct.gguf"));
  }

  void whatCannotBeOpenedStandsPaleWithItsReason() {
    openFirst();
    FoundView* list = page()->found()->list();
    QTRY_COMPARE(list->model()->rowCount(), 3);
    const QModelIndex reason = list->model()->index(2, FoundTable::memory);
    QCOMPARE(reason.data().toString(),
             QStringLiteral("cannot be opened: the architecture \"qwen3moe\" is not known"));
    QVERIFY(reason.data(FoundTable::kPale).toBool());
    QCOMPARE(list->model()->index(2, FoundTable::open).data().toString(), QString());
    list->setFocus();
    list->setCurrentIndex(reason);
    QTest::keyClick(list, Qt::Key_Return);
    QVERIFY(page() != nullptr);
  }

  void textOfFilesIsNeverMarkup() {
    m_machine.sources.models = [](const Jobs::Stop&) {
      FoundModels all;
      FoundModel evil = found("<b>bold</b>&amp;\x1b[31m\nred", "LM <i>Studio</i>", kGb);
      evil.path = "/tmp/<img src='x'>.gguf";
      all.models = {evil};
      all.left_out = {"<h1>/a</h1> may not be read"};
      return all;
    };
    m_machine.sources.facts = [] {
      MachineFacts facts;
      facts.processor = "<h1>CPU</h1>\x1b[0m";
      return facts;
    };
    openFirst();
    FoundView* list = page()->found()->list();
    QTRY_COMPARE(list->model()->rowCount(), 1);
    const QString name = list->model()->index(0, FoundTable::name).data().toString();
    QVERIFY2(name.startsWith(QStringLiteral("<b>bold</b>&amp;\\x1b[31m\\n")), qPrintable(name));
    QTRY_VERIFY(wordsOf(page()->machine()).contains(QStringLiteral("<h1>CPU</h1>\\x1b[0m")));
    for (const QLabel* label : page()->findChildren<QLabel*>()) {
      if (label->text().contains(QLatin1Char('<')) && label->isVisible())
        QCOMPARE(label->textFormat(), Qt::PlainText);
    }
  }

  void theKeysReachEverything() {
    openFirst();
    QTRY_VERIFY(page()->found()->list()->isVisible());
    QVERIFY(QTest::qWaitForWindowActive(window()));
    page()->takeFocus();
    QStringList passed;
    for (int i = 0; i < 12 && passed.count(passed.value(0)) < 2; ++i) {
      const QWidget* at = QApplication::focusWidget();
      passed << at->objectName() + at->property("text").toString();
      QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
    }
    const auto place = [&](const char* name) { return passed.indexOf(QString::fromUtf8(name)); };
    QVERIFY2(place("chooseFileChoose a file…") == 0, qPrintable(passed.join(QLatin1Char('|'))));
    QVERIFY2(place("foundModels") > 0, qPrintable(passed.join(QLatin1Char('|'))));
    QVERIFY2(place("smallOneCopy") > 0, qPrintable(passed.join(QLatin1Char('|'))));
    QVERIFY(place("skipStartSkip") > 0);
    QVERIFY(place("Look again") > 0);
    // Enter presses the button that has the focus.
    page()->takeFocus();
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Return);
    auto* dialog = window()->findChild<OpenModelDialog*>();
    QVERIFY(dialog != nullptr);
    dialog->close();
    QVERIFY(page() != nullptr);
  }

  void howTheSmallOneIsHadIsCopied_data() {
    QTest::addColumn<PackageKind>("kind");
    QTest::addColumn<QString>("copied");
    QTest::newRow("deb") << PackageKind::deb
                         << QStringLiteral("sudo apt install mneme-model-smollm2");
    QTest::newRow("source") << PackageKind::source << QStringLiteral("./dev run");
    for (const PackageKind kind : {PackageKind::rpm, PackageKind::appimage, PackageKind::flatpak,
                                   PackageKind::tar, PackageKind::run, PackageKind::unknown}) {
      QTest::addRow("%d", int(kind)) << kind << QStringLiteral("/home/a/models");
    }
  }
  void howTheSmallOneIsHadIsCopied() {
    QFETCH(const PackageKind, kind);
    QFETCH(const QString, copied);
    openFirst([&](WindowSetup& setup) {
      setup.package.kind = kind;
      setup.defaultModel = QStringLiteral("/home/a/models/small.gguf");
    });
    auto* copy = page()->findChild<QPushButton*>(QStringLiteral("smallOne"));
    copy->click();
    QCOMPARE(QGuiApplication::clipboard()->text(), copied);
    QCOMPARE(page()->findChild<QLabel*>(QStringLiteral("installCommand"))->text(), copied);
    // Nothing else tells of a package that this one has nothing to do with.
    QCOMPARE(wordsOf(page()->ways()).contains(QStringLiteral("apt")), kind == PackageKind::deb);
  }

  void howTheCudaModuleIsHadIsSaid() {
    QStringList ways;
    for (const PackageKind kind :
         {PackageKind::deb, PackageKind::source, PackageKind::rpm, PackageKind::unknown}) {
      const QString way = wayToCuda({kind, {}});
      QCOMPARE(way.contains(QStringLiteral("apt install mneme-cuda")), kind == PackageKind::deb);
      QVERIFY(!ways.contains(way));
      ways << way;
    }
    if (!lacks_its_module({.id = "cuda"})) QSKIP("this build has the module");
    m_machine.sources.gpus = [](const Jobs::Stop&) {
      return std::vector{DeviceInfo{.id = "cuda", .name = "CUDA", .unusable = "it is missing"}};
    };
    openFirst([](WindowSetup& setup) { setup.package.kind = PackageKind::deb; });
    QTRY_VERIFY(wordsOf(page()->machine()).contains(QStringLiteral("CUDA: ") + ways.first()));
  }

  void theMachineIsMeasuredAgainWhenAsked() {
    openFirst();
    const QPushButton* again = page()->machine()->again();
    QVERIFY(!again->isEnabled());
    QTRY_VERIFY(again->isEnabled());
    QCOMPARE(*m_machine.asked, kAllAsked);
    window()->guide().leavePage();
    window()->guide().showPage();
    QTRY_COMPARE(*m_machine.asked, kAllAsked + 2);  // the free RAM and the models
    QVERIFY(wordsOf(page()->machine()).contains(QStringLiteral("84 µs")));
    QTRY_VERIFY(page()->machine()->again()->isEnabled());
    page()->machine()->again()->click();
    QTRY_COMPARE(*m_machine.asked, 2 * kAllAsked + 1);
  }

  void whichQuestionFailedIsSaid() {
    m_machine.sources.gpus = [](const Jobs::Stop&) {
      return Error{ErrorCode::device, "the process that asked ended by signal 11"};
    };
    m_machine.sources.ramSpeed = [](const Jobs::Stop&) {
      return Error{ErrorCode::out_of_memory, "only 100 MB of RAM are free"};
    };
    openFirst();
    QTRY_VERIFY(wordsOf(page()->machine()).contains(QStringLiteral("84 µs")));
    const QString words = wordsOf(page()->machine());
    QVERIFY2(words.contains(QStringLiteral(
                 "the drivers gave no answer: the process that asked ended by signal 11")),
             qPrintable(words));
    QVERIFY2(words.contains(QStringLiteral("speed not measured: only 100 MB of RAM are free")),
             qPrintable(words));
    QVERIFY(wordsOf(page()->sizes()).contains(QStringLiteral("not known without")));
  }

  void aModelThatIsInstalledIsReadyToChatWith() {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->openFirst([&](WindowSetup& setup) {
      setup.start = m_machine.sources;
      setup.defaultModel = m_window->model();
      setup.settings->set("model/open_at_start", true);
    });
    QVERIFY(page() != nullptr);
    QTRY_COMPARE(window()->engine().state(), EngineHost::State::ready);
    QVERIFY(page() != nullptr);
    auto* start = page()->findChild<QPushButton*>(QStringLiteral("smallOne"));
    QCOMPARE(start->text(), QStringLiteral("Start chatting"));
    QCOMPARE(start->property("kind").toString(), QStringLiteral("primary"));
    QVERIFY(start->hasFocus());
    QVERIFY(wordsOf(page()->ways()).contains(QStringLiteral("Ready.")));
    start->click();
    QVERIFY(page() == nullptr);
    QVERIFY(window()->panel()->composer()->edit()->hasFocus());
  }

  void whatRunsIsStoppedWhenThePageGoes() {
    auto stopped = std::make_shared<std::atomic<bool>>(false);
    auto running = std::make_shared<std::atomic<bool>>(false);
    m_machine.sources.drive = [=](const Jobs::Stop& stop) -> Result<DriveSpeed> {
      *running = true;
      while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      *stopped = true;
      return Error{ErrorCode::cancelled, "stopped"};
    };
    openFirst();
    QTRY_VERIFY(*running);
    const QString said = wordsOf(page()->machine());
    QVERIFY2(said.contains(QStringLiteral("measuring, ")), qPrintable(said));
    QTRY_VERIFY(wordsOf(page()->machine()) != said);  // the seconds go on
    page()->findChild<QPushButton*>(QStringLiteral("skipStart"))->click();
    QTRY_VERIFY(*stopped);
  }

  void theEmptyChatLeadsToThePage() {
    openFirst();
    window()->guide().leavePage();
    auto* ways =
        window()->panel()->welcome()->findChild<QPushButton*>(QStringLiteral("waysToAModel"));
    QVERIFY(ways->isVisible());
    ways->click();
    QVERIFY(page() != nullptr);
  }

  void whatActsOnTheChatShowsIt() {
    openFirst();
    for (const char* name : {"newChat", "presetInspect", "ink", "write", "log", "tour"}) {
      window()->guide().showPage();
      window()->action(name)->trigger();
      QVERIFY2(page() == nullptr, name);
    }
    for (const char* name : {"larger", "smaller", "normalSize"}) {
      window()->guide().showPage();
      window()->action(name)->trigger();
      QVERIFY2(page() != nullptr, name);
    }
    QVERIFY(!window()->action("panels")->isEnabled());
    window()->guide().leavePage();
    QVERIFY(window()->action("panels")->isEnabled());
  }

  void aSmallWindowScrollsAndHasNothingBeside() {
    openFirst();
    QTRY_VERIFY(page()->found()->list()->isVisible());
    for (const QSize size : {QSize(1280, 800), QSize(1024, 700), QSize(800, 600)}) {
      window()->resize(size);
      QCoreApplication::processEvents();
      QCOMPARE(window()->size(), size);
      QVERIFY(page()->widget()->width() <= page()->viewport()->width());
      QVERIFY(page()->verticalScrollBar()->maximum() > 0);
      for (const QPushButton* button : page()->findChildren<QPushButton*>())
        QVERIFY2(button->width() >= button->sizeHint().width(), qPrintable(button->text()));
      const QHeaderView* headings = page()->found()->list()->horizontalHeader();
      for (int column = FoundTable::name; column < FoundTable::open; ++column) {
        if (headings->isSectionHidden(column)) continue;
        const QString words = headings->model()->headerData(column, Qt::Horizontal).toString();
        const int room = headings->fontMetrics().horizontalAdvance(words) + 12;
        QVERIFY2(headings->sectionSize(column) >= room, qPrintable(words));
      }
    }
    // What the keyboard goes to is scrolled to.
    FoundView* list = page()->found()->list();
    list->setFocus();
    list->setCurrentIndex(list->model()->index(2, 0));
    const QRect row = list->visualRect(list->currentIndex());
    const QPoint at = list->viewport()->mapTo(page()->viewport(), row.center());
    QVERIFY(page()->viewport()->rect().contains(at));
  }

  void pictures() {
    Jobs jobs;
    EngineHost engine(jobs);
    MachineSurvey survey(jobs, m_machine.sources);
    test::OpenedWindow fonts;
    test::takePictures(QStringLiteral("first-start"), [&] {
      auto* page = new StartPage(engine, QStringLiteral("/nowhere/model.gguf"),
                                 {PackageKind::deb, {}}, survey, m_machine.sources.models);
      page->resize(1440, 845);
      page->show();
      [&] { QTRY_VERIFY(wordsOf(page->machine()).contains(QStringLiteral("84 µs"))); }();
      [&] { QTRY_VERIFY(page->found()->list()->isVisible()); }();
      return page;
    });
  }

 private:
  std::function<void(WindowSetup&)> sources() {
    return [this](WindowSetup& setup) { setup.start = m_machine.sources; };
  }
  void openFirst(const std::function<void(WindowSetup&)>& change = {}) {
    m_window = std::make_unique<test::OpenedWindow>();
    m_window->openFirst([&](WindowSetup& setup) {
      setup.start = m_machine.sources;
      if (change) change(setup);
    });
  }
  MainWindow* window() const { return m_window->window(); }
  StartPage* page() const { return window()->guide().page(); }

  MadeMachine m_machine;
  std::unique_ptr<test::OpenedWindow> m_window;
};

UI_TEST(FirstStartTest)
#include "first_start_test.moc"
