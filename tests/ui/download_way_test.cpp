// SPDX-License-Identifier: Apache-2.0
// The download in the window: what it says, and which buttons there are.
#include "ui/views/start/download_way.h"

#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QtTest>

#include "base/sha256.h"
#include "tests/support/temporary_folder.h"
#include "tests/ui/download_server.h"
#include "tests/ui/opened_window.h"
#include "tests/ui/pictures.h"
#include "tests/ui/ui_test.h"
#include "ui/bridge/settings_file.h"
#include "ui/plain_text.h"
#include "ui/views/chat/banner.h"
#include "ui/views/start/start_page.h"
#include "ui/views/window/start_guide.h"

using namespace mneme;
using State = ModelDownload::State;

class DownloadWayTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    qputenv("no_proxy", "127.0.0.1");
    makePlainTextTheDefault(*qApp);
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
  }
  void init() {
    Theme::choose(Theme::Choice::light);
    m_folder = std::make_unique<TemporaryFolder>();
    m_file = std::make_unique<SettingsFile>(QString::fromStdString(m_folder->file("mneme.ini")));
    m_server = std::make_unique<DownloadServer>();
    m_limits = DownloadLimits();
    m_way.reset(make());
  }
  void cleanup() {
    m_way.reset();
    m_opened.reset();
  }

  void beforeTheButtonThereIsNoConnection() {
    QTest::qWait(100);
    QCOMPARE(m_server->connections, 0);
    QCOMPARE(buttons(), QStringList{QStringLiteral("Download")});
    QVERIFY(shown<QProgressBar>().isEmpty());
    QVERIFY(texts().contains(
        QStringLiteral("<i>Small</i> & plain, 300 kB, Apache-2.0, from 127.0.0.1")));
  }

  void itGoesFromTheButtonToTheModel() {
    m_server->answers = {half(), DownloadServer::file(m_body, "\"one\"")};
    QSignalSpy finished(m_download.get(), &ModelDownload::finished);
    button(QStringLiteral("Download"))->setFocus();
    press(QStringLiteral("Download"));
    QTRY_VERIFY(texts().contains(QStringLiteral("150 of 300 kB")));
    QCOMPARE(buttons(), (QStringList{QStringLiteral("Pause"), QStringLiteral("Cancel")}));
    QCOMPARE(shown<QProgressBar>().first()->value(), 500);
    QVERIFY(button(QStringLiteral("Pause"))->hasFocus());
    press(QStringLiteral("Pause"));
    QCOMPARE(buttons(), (QStringList{QStringLiteral("Go on"), QStringLiteral("Cancel")}));
    QVERIFY(button(QStringLiteral("Go on"))->hasFocus());
    QVERIFY(texts().contains(QStringLiteral("paused")));
    press(QStringLiteral("Go on"));
    QTRY_COMPARE(finished.count(), 1);
    QVERIFY(finished.last().at(0).toString().endsWith(QStringLiteral("/models/a.gguf")));
    QVERIFY(buttons().isEmpty());
  }

  void whatIsThereFromTheLastTimeIsOffered() {
    m_server->answers = {half()};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(m_download->bytes(), 150'000u);
    m_way.reset(make());
    QTRY_VERIFY(texts().contains(QStringLiteral("150 of 300 kB")));
    QCOMPARE(buttons(), (QStringList{QStringLiteral("Go on"), QStringLiteral("Cancel")}));
    QCOMPARE(m_server->connections, 1);
    press(QStringLiteral("Cancel"));
    QTRY_COMPARE(buttons(), QStringList{QStringLiteral("Download")});
  }

  void whatIsWrongHasItsWayOut() {
    m_server->answers = {DownloadServer::send("404 Not Found", DownloadServer::length(0), {})};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(buttons(), (QStringList{QStringLiteral("Try again"), QStringLiteral("Cancel")}));
    QVERIFY(texts().contains(QStringLiteral("has no such file (404)")));
    // A place that has no room is exchanged, and is so at the next start.
    m_limits.freeSpace = [](const std::string& folder) {
      return std::optional<std::uint64_t>(folder.ends_with("/other") ? 1 << 30 : 0);
    };
    m_way.reset(make());
    m_server->answers = {DownloadServer::file(m_body, "\"one\"")};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(buttons(), (QStringList{QStringLiteral("Try again"), QStringLiteral("Cancel"),
                                         QString::fromUtf8("Choose another place…")}));
    QVERIFY(texts().contains(QStringLiteral("300 kB are missing")));
    m_way->setAskForFolder([](const QString&) { return QString(); });
    press(QString::fromUtf8("Choose another place…"));
    QCOMPARE(m_download->state(), State::failed);
    const QString other = QString::fromStdString(m_folder->file("other"));
    m_way->setAskForFolder([&](const QString&) { return other; });
    press(QString::fromUtf8("Choose another place…"));
    QCOMPARE(buttons(), QStringList{QStringLiteral("Download")});
    m_way.reset(make());
    QCOMPARE(m_download->folder(), other);
    QSignalSpy finished(m_download.get(), &ModelDownload::finished);
    press(QStringLiteral("Download"));
    QTRY_COMPARE(finished.count(), 1);
    QCOMPARE(finished.last().at(0).toString(), other + QStringLiteral("/a.gguf"));
  }

  // On the first page of a window: pressed, it leads to the open model.
  void itLeadsFromTheWelcomePageToAnOpenModel() {
    openWindow(modelBytes());
    m_server->answers = {DownloadServer::file(modelBytes(), "\"one\"")};
    auto* way = page()->findChild<DownloadWay*>();
    QVERIFY(way != nullptr && way->isVisible());
    QTest::qWait(100);
    QCOMPARE(m_server->connections, 0);
    QCOMPARE(guide().download()->folder(), ownFolder());
    guide().download()->start();
    QTRY_VERIFY(engine().layout() != nullptr);
    QCOMPARE(QString::fromStdString(engine().layout()->path),
             ownFolder() + QStringLiteral("/a.gguf"));
    QVERIFY(page() == nullptr);
    QVERIFY(!status()->isVisible());
  }

  void withoutThePageItGoesOnInTheStatusBar() {
    openWindow(modelBytes());
    m_server->answers = {half(modelBytes())};
    QVERIFY(!status()->isVisible());
    guide().download()->start();
    QTRY_COMPARE(guide().download()->bytes(), quint64(modelBytes().size() / 2));
    QVERIFY(!status()->isVisible());
    guide().leavePage();
    QVERIFY(status()->isVisible());
    QVERIFY(guide().download()->running());
    QTRY_COMPARE(status()->text(), QStringLiteral("download 50 %"));
    // It leads back, to where it stands.
    status()->click();
    QVERIFY(page() != nullptr && !status()->isVisible());
    auto* way = page()->findChild<DownloadWay*>();
    const QStringList names = buttonsOf(way);
    QCOMPARE(names, (QStringList{QStringLiteral("Pause"), QStringLiteral("Cancel")}));
    QCOMPARE(m_server->connections, 1);
    guide().download()->pause();
    guide().leavePage();
    QCOMPARE(status()->text(), QStringLiteral("download paused, 50 %"));
    // A chat is not left for it.
    m_server->answers = {DownloadServer::file(modelBytes(), "\"one\"")};
    guide().download()->start();
    const Banner* banner = m_opened->window()->panel()->banner();
    QTRY_COMPARE(banner->text(), QStringLiteral("<i>Small</i> & plain was downloaded."));
    QVERIFY(!status()->isVisible());
    QVERIFY(engine().layout() == nullptr);
    banner->actionButton()->click();
    QTRY_VERIFY(engine().layout() != nullptr);
  }

  void aFailureIsToldWithoutThePage() {
    openWindow(modelBytes());
    guide().leavePage();
    m_server->answers = {DownloadServer::send("404 Not Found", DownloadServer::length(0), {})};
    guide().download()->start();
    const Banner* banner = m_opened->window()->panel()->banner();
    QTRY_VERIFY(banner->isVisible());
    QVERIFY2(banner->text().contains(QStringLiteral("has no such file (404)")),
             qPrintable(banner->text()));
    QCOMPARE(status()->text(), QStringLiteral("download failed, 0 %"));
    banner->actionButton()->click();
    QVERIFY(page() != nullptr);
  }

  // The program ends meanwhile: what came is there at the next start.
  void theEndOfTheWindowKeepsWhatCame() {
    openWindow(modelBytes());
    m_server->answers = {half(modelBytes())};
    guide().download()->start();
    QTRY_COMPARE(guide().download()->bytes(), quint64(modelBytes().size() / 2));
    m_opened->window()->close();
    openWindow(modelBytes());
    m_server->answers = {DownloadServer::file(modelBytes(), "\"one\"")};
    guide().showPage();
    QTRY_COMPARE(guide().download()->bytes(), quint64(modelBytes().size() / 2));
    QCOMPARE(buttonsOf(page()->findChild<DownloadWay*>()).first(), QStringLiteral("Go on"));
    QCOMPARE(m_server->connections, 1);
    guide().download()->start();
    QTRY_VERIFY(engine().layout() != nullptr);
    QCOMPARE(m_server->requests.back().headers.value("range"),
             "bytes=" + QByteArray::number(modelBytes().size() / 2) + "-");
  }

  void pictures() {
    m_server->answers = {half()};
    press(QStringLiteral("Download"));
    QTRY_COMPARE(m_download->bytes(), 150'000u);
    m_download->cancel();
    QTRY_VERIFY(!m_download->running());
    test::takePictures(QStringLiteral("download-idle"), [this] { return make(); });
    test::takePictures(QStringLiteral("download-running"), [this] {
      DownloadWay* way = make();
      m_download->start();
      (void)QTest::qWaitFor([this] { return m_download->bytes() == 150'000; });
      QTest::qWait(150);  // it is told by then
      return way;
    });
    m_server->answers = {DownloadServer::send("404 Not Found", DownloadServer::length(0), {})};
    m_limits.freeSpace = [](const std::string&) { return std::optional<std::uint64_t>(1000); };
    test::takePictures(QStringLiteral("download-failed"), [this] {
      DownloadWay* way = make();
      m_download->start();
      (void)QTest::qWaitFor([this] { return m_download->state() == State::failed; });
      return way;
    });
  }

 private:
  DownloadOffer offerOf(const QByteArray& body) const {
    DownloadOffer offer;
    offer.url = m_server->url(QStringLiteral("/a.gguf"));
    offer.bytes = static_cast<quint64>(body.size());
    offer.sha256 = QString::fromStdString(
        sha256_hex(std::as_bytes(std::span(body.constData(), size_t(body.size())))));
    offer.name = QStringLiteral("<i>Small</i> & plain");
    offer.licence = QStringLiteral("Apache-2.0");
    return offer;
  }
  DownloadWay* make() {
    m_way.reset();
    m_download = std::make_unique<ModelDownload>(
        m_jobs, offerOf(m_body),
        DownloadWay::folderFor(*m_file, QString::fromStdString(m_folder->file("models"))),
        m_limits);
    auto* way = new DownloadWay(*m_download, *m_file);
    way->resize(330, 190);
    way->show();
    return way;
  }
  DownloadServer::Answer half() const { return half(m_body); }
  static DownloadServer::Answer half(const QByteArray& body) {
    const qsizetype some = body.size() / 2;
    return DownloadServer::send("200 OK", "ETag: \"one\"\r\n" + DownloadServer::length(body.size()),
                                body.left(some), false);
  }

  // A first window that offers the model of these bytes.
  void openWindow(const QByteArray& body) {
    if (!m_opened) m_opened = std::make_unique<test::OpenedWindow>();
    m_opened->openFirst([&](WindowSetup& setup) {
      setup.download = offerOf(body);
      setup.models = ownFolder();
      setup.start.facts = [] { return MachineFacts(); };
      setup.start.gpus = [](const Jobs::Stop&) { return std::vector<DeviceInfo>(); };
      setup.start.ramSpeed = [](const Jobs::Stop&) { return 1.0; };
      setup.start.drive = [](const Jobs::Stop&) { return DriveSpeed(); };
      setup.start.models = [](const Jobs::Stop&) { return FoundModels(); };
    });
  }
  const QByteArray& modelBytes() {
    if (m_modelBytes.isEmpty()) {
      QFile model(QString::fromStdString(write_tiny_model(m_folder->path(), {})));
      if (model.open(QIODevice::ReadOnly)) m_modelBytes = model.readAll();
    }
    return m_modelBytes;
  }
  QString ownFolder() const { return QString::fromStdString(m_folder->file("own")); }
  StartGuide& guide() const { return m_opened->window()->guide(); }
  StartPage* page() const { return guide().page(); }
  EngineHost& engine() const { return m_opened->window()->engine(); }
  QPushButton* status() const {
    return m_opened->window()->findChild<QPushButton*>(QStringLiteral("downloadStatus"));
  }
  static QStringList buttonsOf(const QWidget* part) {
    QStringList names;
    for (const QPushButton* one : part->findChildren<QPushButton*>()) {
      if (one->isVisible()) names << one->text();
    }
    return names;
  }

  template <class T>
  QList<T*> shown() const {
    QList<T*> found;
    for (T* one : m_way->findChildren<T*>()) {
      if (one->isVisible()) found << one;
    }
    return found;
  }
  QStringList buttons() const { return buttonsOf(m_way.get()); }
  QPushButton* button(const QString& text) const {
    for (QPushButton* one : shown<QPushButton>()) {
      if (one->text() == text) return one;
    }
    qFatal("there is no button %s", qPrintable(text));
  }
  void press(const QString& text) { QTest::keyClick(button(text), Qt::Key_Space); }
  QString texts() const {
    QStringList all;
    for (const QLabel* one : shown<QLabel>()) all << one->text();
    return all.join(QLatin1Char('\n'));
  }

  const QByteArray m_body = QByteArray(300'000, 'm');
  Jobs m_jobs;
  std::unique_ptr<TemporaryFolder> m_folder;
  std::unique_ptr<SettingsFile> m_file;
  std::unique_ptr<DownloadServer> m_server;
  DownloadLimits m_limits;
  std::unique_ptr<ModelDownload> m_download;
  std::unique_ptr<DownloadWay> m_way;
  QByteArray m_modelBytes;
  std::unique_ptr<test::OpenedWindow> m_opened;
};

UI_TEST(DownloadWayTest)
#include "download_way_test.moc"
