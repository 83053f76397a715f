// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/model_download.h"

#include <QDir>
#include <QNetworkAccessManager>
#include <QNetworkProxyFactory>
#include <QNetworkReply>
#include <QNetworkRequest>
#include <QSslSocket>
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/private_file.h"
#include "ui/format.h"

namespace mneme {
namespace {

constexpr char kDownloadJob[] = "download a model";
constexpr char kLookDownloadJob[] = "look for a download";
constexpr qint64 kBufferMax = 8 << 20;  // that came and is not written yet
constexpr int kRedirectsMax = 5;
constexpr qsizetype kHeadersMax = 64;
constexpr qsizetype kHeaderBytesMax = 64 << 10;
constexpr auto kSpeedOver = std::chrono::seconds(3);         // the mean that is told
constexpr auto kSpeedFrom = std::chrono::milliseconds(300);  // before that it means nothing

bool isHere(const QUrl& url) {
  return url.host() == QLatin1String("localhost") || url.host() == QLatin1String("127.0.0.1");
}

// Nothing else than https, except from and to this machine, where tests have their servers.
bool mayFollow(const QUrl& from, const QUrl& to) {
  return to.scheme() == QLatin1String("https") ||
         (to.scheme() == QLatin1String("http") && isHere(from) && isHere(to));
}

std::optional<std::uint64_t> freeSpaceOf(const std::string& folder) {
  std::error_code code;
  const auto space = std::filesystem::space(folder, code);
  return code ? std::nullopt : std::optional<std::uint64_t>(space.available);
}

QString textOf(const Error& error) {
  return QString::fromStdString(error.message);
}

// One that If-Range may carry: a weak ETag may not.
QByteArray validatorOf(const QNetworkReply& reply) {
  const QByteArray tag = reply.rawHeader("ETag");
  if (tag.startsWith('"') && !tag.contains('\n')) return tag;
  return tag.isEmpty() ? reply.rawHeader("Last-Modified") : QByteArray();
}

// More than any server of files sends. Where there are 100, Qt 6.4 leaves out what they say.
bool hasTooManyHeaders(const QNetworkReply& reply) {
  const QList<QNetworkReply::RawHeaderPair>& headers = reply.rawHeaderPairs();
  qsizetype bytes = 0;
  for (const auto& [name, value] : headers) bytes += name.size() + value.size();
  return headers.size() > kHeadersMax || bytes > kHeaderBytesMax;
}

// "bytes 500-999/1000"
struct ContentRange {
  bool known = false;
  quint64 first = 0;
  quint64 all = 0;
};
ContentRange contentRangeOf(const QNetworkReply& reply) {
  const QByteArray text = reply.rawHeader("Content-Range").trimmed();
  ContentRange range;
  const auto dash = text.indexOf('-');
  const auto slash = text.indexOf('/');
  if (!text.startsWith("bytes ") || dash < 0 || slash < dash) return range;
  bool first = false;
  bool all = false;
  range.first = text.mid(6, dash - 6).trimmed().toULongLong(&first);
  range.all = text.mid(slash + 1).toULongLong(&all);
  range.known = first && all;
  return range;
}

}  // namespace

struct ModelDownload::Prepared {
  bool whole = false;
  std::shared_ptr<DownloadPart> part;
  QNetworkProxy proxy;
  std::optional<std::uint64_t> missing;  // bytes that there is no room for
};

ModelDownload::ModelDownload(Jobs& jobs, DownloadOffer offer, const QString& folder,
                             DownloadLimits limits, QObject* parent)
    : QObject(parent),
      m_jobs(jobs),
      m_offer(std::move(offer)),
      m_limits(std::move(limits)),
      m_folder(folder) {
  m_silence.setSingleShot(true);
  m_silence.setInterval(m_limits.silence);
  m_report.setSingleShot(true);
  m_report.setInterval(m_limits.report);
  connect(&m_report, &QTimer::timeout, this, &ModelDownload::changed);
  connect(&m_silence, &QTimer::timeout, this, [this] {
    fail(tr("%1 sent nothing of the file for %2. Try again: what came is kept.")
             .arg(m_offer.url.host(),
                  format::milliseconds(static_cast<double>(m_limits.silence.count()))));
  });
}

ModelDownload::~ModelDownload() {
  if (m_stopJob) *m_stopJob = true;
  if (m_reply != nullptr) disconnect(m_reply, nullptr, this, nullptr);
}

QString ModelDownload::path() const {
  return QDir(m_folder).filePath(m_offer.fileName());
}

DownloadPart::Goal ModelDownload::goal() const {
  return {path().toStdString(), m_offer.bytes, m_offer.sha256.toStdString()};
}

bool ModelDownload::running() const {
  return m_state == State::checking || m_state == State::connecting ||
         m_state == State::receiving || m_state == State::finishing;
}

double ModelDownload::bytesPerSecond() const {
  if (m_state != State::receiving || m_samples.size() < 2) return 0;
  const std::chrono::duration<double> time = m_samples.back().at - m_samples.front().at;
  const auto bytes = static_cast<double>(m_samples.back().bytes - m_samples.front().bytes);
  return time > kSpeedFrom ? bytes / time.count() : 0;
}

// The part has one user at a time: a job, else this object.
template <class Work, class Done>
void ModelDownload::work(Work doIt, Done done) {
  m_busy = true;
  m_silence.stop();
  m_stopJob = std::make_shared<std::atomic<bool>>(false);
  m_jobs.start(
      this, kDownloadJob,
      [doIt = std::move(doIt), mine = m_stopJob](const Jobs::Stop& stop) mutable {
        return doIt([&] { return stop.load() || mine->load(); });
      },
      [this, done = std::move(done)](auto result) {
        m_busy = false;
        done(std::move(result));
        advance();
      });
}

void ModelDownload::look() {
  m_jobs.start(
      this, kLookDownloadJob,
      [goal = goal()](const Jobs::Stop&) { return DownloadPart::bytes_here(goal); },
      [this](std::uint64_t bytes) {
        if (m_state != State::idle) return;
        m_bytes = bytes;
        Q_EMIT changed();
      });
}

void ModelDownload::start() {
  if (running() || m_state == State::done) return;
  m_problem.clear();
  m_wish = Wish::run;
  m_whole = false;
  setState(m_part ? State::connecting : State::checking);
  advance();
}

void ModelDownload::pause() {
  if (!running() || m_state == State::finishing) return;
  m_wish = Wish::pause;
  if (m_stopJob) *m_stopJob = true;
  endReply();
  setState(State::paused);
  advance();
}

void ModelDownload::cancel() {
  if (m_state == State::done || m_state == State::finishing) return;
  m_wish = Wish::nothing;
  m_discard = true;
  if (m_stopJob) *m_stopJob = true;
  endReply();
  m_problem.clear();
  m_bytes = 0;
  setState(State::idle);
  advance();
}

void ModelDownload::setFolder(const QString& folder) {
  if (running() || folder == m_folder) return;
  m_folder = folder;
  m_part.reset();
  m_bytes = 0;
  m_problem.clear();
  m_wish = Wish::nothing;
  setState(State::idle);
  look();
}

// What comes next, once no job has the part.
void ModelDownload::advance() {
  if (m_busy) return;
  if (std::exchange(m_discard, false)) {
    discard();
    return;
  }
  if (m_wish != Wish::run) return;
  if (!m_part) {
    prepare();
  } else if (m_anew) {
    const QByteArray validator = *std::exchange(m_anew, std::nullopt);
    startAnew(validator);
  } else if (m_part->size() == m_offer.bytes) {
    finishFile();
  } else if (m_reply == nullptr) {
    connectToServer();
  } else if (m_headers && m_reply->bytesAvailable() > 0) {
    takeBytes();
  } else if (m_replyEnded) {
    fail(m_cut);
  } else {
    m_silence.start();
  }
}

void ModelDownload::prepare() {
  const auto freeSpace = m_limits.freeSpace ? m_limits.freeSpace : freeSpaceOf;
  work(
      [goal = goal(), folder = m_folder.toStdString(), url = m_offer.url,
       freeSpace](const DownloadPart::Stopped& stopped) -> Result<Prepared> {
        Prepared prepared;
        RETURN_IF_ERROR(make_private_folder(folder));
        const auto whole = DownloadPart::is_here(goal, stopped);
        if (!whole) return whole.error();
        prepared.whole = *whole;
        if (prepared.whole) return prepared;
        auto part = DownloadPart::open(goal, stopped);
        if (!part) return part.error();
        prepared.part = std::move(*part);
        const std::uint64_t needed = goal.bytes - prepared.part->size();
        if (const auto space = freeSpace(folder); space && *space < needed) {
          prepared.missing = needed - *space;
          return prepared;
        }
        // May ask the desktop, or read a file of rules.
        const auto proxies = QNetworkProxyFactory::systemProxyForQuery(QNetworkProxyQuery(url));
        if (!proxies.isEmpty()) prepared.proxy = proxies.first();
        return prepared;
      },
      [this, folder = m_folder](Result<Prepared> result) {
        if (folder != m_folder) return;  // another place was chosen meanwhile
        if (!result) {
          if (m_wish == Wish::run && !m_discard && result.error().code != ErrorCode::cancelled)
            failPart(result.error());
          return;
        }
        m_part = std::move(result->part);
        m_proxy = result->proxy;
        if (m_discard) return;
        if (m_part) m_bytes = m_part->size();
        if (result->missing) {
          fail(tr("There is no room for it in %1: %2 are missing. Free some room, or choose "
                  "another place.")
                   .arg(m_folder, format::bytes(*result->missing)),
               true);
          return;
        }
        if (result->whole) {
          m_bytes = m_offer.bytes;
          m_wish = Wish::nothing;
          setState(State::done);
          Q_EMIT finished(path());
          return;
        }
        if (m_wish == Wish::run) setState(State::connecting);
      });
}

// Also what an earlier time left, which nobody has opened yet.
void ModelDownload::discard() {
  work(
      [goal = goal(),
       part = std::exchange(m_part, nullptr)](const DownloadPart::Stopped&) mutable -> Status {
        if (!part && DownloadPart::bytes_here(goal) > 0) {
          auto opened = DownloadPart::open(goal, [] { return false; });
          if (!opened) return opened.error();
          part = std::move(*opened);
        }
        if (part) part->discard();
        part.reset();
        return {};
      },
      [this](const Status& status) {
        if (!status) log_warning("ui", "{}", status.error().message);
        if (m_state == State::idle) Q_EMIT changed();
      });
}

void ModelDownload::connectToServer() {
  if (m_offer.url.scheme() == QLatin1String("https") && !QSslSocket::supportsSsl()) {
    fail(
        tr("This Qt has no TLS, so that no safe connection can be made: install the package with "
           "Qt's TLS plugin (with Debian: libqt6network6, libssl3), and start Mneme again."));
    return;
  }
  setState(State::connecting);
  m_redirects = 0;
  request(m_offer.url);
}

void ModelDownload::request(const QUrl& url) {
  m_network = std::make_unique<QNetworkAccessManager>();
  m_network->setProxy(m_proxy);
  QNetworkRequest request(url);
  request.setAttribute(QNetworkRequest::RedirectPolicyAttribute,
                       QNetworkRequest::ManualRedirectPolicy);
  request.setAttribute(QNetworkRequest::Http2AllowedAttribute, false);
  request.setAttribute(QNetworkRequest::CookieLoadControlAttribute, QNetworkRequest::Manual);
  request.setAttribute(QNetworkRequest::CookieSaveControlAttribute, QNetworkRequest::Manual);
  request.setHeader(QNetworkRequest::UserAgentHeader, QStringLiteral("mneme/" MNEME_VERSION));
  // The digest is that of the file itself. Named here, Qt unpacks nothing either.
  request.setRawHeader("Accept-Encoding", "identity");
  if (m_part->size() > 0 && !m_whole) {
    request.setRawHeader("Range", "bytes=" + QByteArray::number(m_part->size()) + "-");
    if (!m_part->validator().empty())
      request.setRawHeader("If-Range", QByteArray::fromStdString(m_part->validator()));
  }
  m_headers = false;
  m_replyEnded = false;
  m_samples.clear();
  QNetworkReply* const reply = m_network->get(request);
  m_reply = reply;
  reply->setReadBufferSize(kBufferMax);
  connect(reply, &QNetworkReply::metaDataChanged, this, &ModelDownload::onHeaders);
  connect(reply, &QNetworkReply::readyRead, this, &ModelDownload::advance);
  connect(reply, &QNetworkReply::finished, this, &ModelDownload::onFinished);
  m_silence.start();
}

// By hand: where Qt 6.4 asks whether it may follow, it follows the second time twice.
void ModelDownload::followRedirect() {
  const QUrl from = m_reply->url();
  const QByteArray location = m_reply->rawHeader("Location");
  const QUrl to = from.resolved(QUrl::fromEncoded(location, QUrl::StrictMode));
  const bool web = to.scheme() == QLatin1String("http") || to.scheme() == QLatin1String("https");
  if (location.isEmpty() || !to.isValid() || to.host().isEmpty() || !web) {
    fail(tr("%1 leads to an address that cannot be followed. Tell whoever made this package.")
             .arg(from.host()));
  } else if (!mayFollow(from, to)) {
    fail(tr("%1 leads to an address that is not safe (%2), which is not followed. Tell whoever "
            "made this package.")
             .arg(from.host(), to.toDisplayString()));
  } else if (++m_redirects > kRedirectsMax) {
    fail(tr("%1 leads from one address to the next without an end. Tell whoever made this package.")
             .arg(m_offer.url.host()));
  } else {
    endReply();
    request(to);
  }
}

void ModelDownload::onHeaders() {
  if (m_headers || m_reply == nullptr || m_wish != Wish::run) return;
  const int status = m_reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
  if (status < 200 || status == 407) return;  // no answer yet; a proxy's own. The end says more.
  if (hasTooManyHeaders(*m_reply)) {
    fail(tr("%1 sends more headers than a file has (%2 at most). Tell whoever made this package.")
             .arg(m_reply->url().host(), format::bytes(kHeaderBytesMax)));
    return;
  }
  if (status >= 300 && status < 400) return followRedirect();
  const bool ranged = m_reply->request().hasRawHeader("Range");
  const QByteArray validator = validatorOf(*m_reply);
  // Once: the next request asks for all of it.
  const auto whole = [this] {
    endReply();
    m_whole = true;
    advance();
  };
  if (ranged && status == 416) return whole();
  if (status != 200 && status != 206) {
    fail(describe(m_reply->error(), QString()));
    return;
  }
  const QByteArray coding = m_reply->rawHeader("Content-Encoding").trimmed().toLower();
  if (!coding.isEmpty() && coding != "identity") {
    fail(tr("%1 sends the file packed (%2), though it was asked not to. Tell whoever made this "
            "package.")
             .arg(m_reply->url().host(), QString::fromLatin1(coding)));
    return;
  }
  if (status == 206) {
    const ContentRange range = contentRangeOf(*m_reply);
    const bool same = validator.isEmpty() || m_part->validator().empty() ||
                      validator.toStdString() == m_part->validator();
    if (!ranged || !range.known || range.first != m_part->size() || range.all != m_offer.bytes ||
        !same) {
      if (ranged) return whole();
      fail(tr("%1 sends a part of the file, though it was asked for all of it. Try again later.")
               .arg(m_reply->url().host()));
      return;
    }
  } else {
    const QVariant length = m_reply->header(QNetworkRequest::ContentLengthHeader);
    if (length.isValid() && length.toULongLong() != m_offer.bytes) {
      fail(tr("%1 has a file of %2 bytes, but the one that was announced has %3. Tell whoever made "
              "this package.")
               .arg(m_reply->url().host(), format::count(length.toLongLong()),
                    format::count(static_cast<qint64>(m_offer.bytes))));
      return;
    }
    m_anew = validator;
  }
  m_headers = true;
  setState(State::receiving);
  advance();
}

void ModelDownload::onFinished() {
  if (m_reply == nullptr) return;
  m_silence.stop();
  onHeaders();
  if (m_reply == nullptr) return;
  m_replyEnded = true;
  m_cut = describe(m_reply->error(), m_reply->errorString());
  advance();
}

void ModelDownload::startAnew(const QByteArray& validator) {
  work(
      [part = m_part, validator](const DownloadPart::Stopped&) -> Status {
        return part->restart(validator.toStdString());
      },
      [this, part = m_part](const Status& status) {
        if (m_part != part || m_discard) return;
        if (!status) return failPart(status.error());
        m_bytes = 0;
        m_samples.clear();
        report();
      });
}

void ModelDownload::takeBytes() {
  // Of what is more than was announced nothing is taken.
  const auto room = static_cast<qint64>(m_offer.bytes - m_part->size());
  QByteArray bytes = m_reply->read(std::min({m_reply->bytesAvailable(), room, kBufferMax}));
  work(
      [part = m_part, bytes = std::move(bytes)](const DownloadPart::Stopped&) -> Status {
        return part->append(std::as_bytes(std::span(bytes.constData(), size_t(bytes.size()))));
      },
      [this, part = m_part](const Status& status) {
        if (m_part != part || m_discard) return;
        if (!status) return failPart(status.error());
        m_bytes = m_part->size();
        const auto now = std::chrono::steady_clock::now();
        m_samples.push_back({now, m_bytes});
        while (m_samples.size() > 2 && now - m_samples.front().at > kSpeedOver)
          m_samples.pop_front();
        report();
      });
}

void ModelDownload::finishFile() {
  endReply();
  setState(State::finishing);
  work([part = std::exchange(m_part, nullptr)](
           const DownloadPart::Stopped&) -> Status { return part->finish(); },
       [this](const Status& status) {
         if (!status && status.error().code == ErrorCode::corrupt) {
           m_bytes = 0;
           fail(tr("%1. It was removed. Try again; if that ends in the same way, tell whoever made "
                   "this package.")
                    .arg(textOf(status.error())));
         } else if (!status) {
           failPart(status.error());
         } else {
           m_wish = Wish::nothing;
           setState(State::done);
           log_info("ui", "downloaded {}", path().toStdString());
           Q_EMIT finished(path());
         }
       });
}

void ModelDownload::endReply() {
  m_silence.stop();
  m_anew.reset();
  if (m_reply == nullptr) return;
  QNetworkReply* const reply = std::exchange(m_reply, nullptr);
  disconnect(reply, nullptr, this, nullptr);
  // Not now: this may be called by a signal of the reply. It ends with the manager.
  m_network.release()->deleteLater();
}

void ModelDownload::fail(const QString& problem, bool place) {
  endReply();
  m_wish = Wish::nothing;
  m_problem = problem;
  m_placeIsTheProblem = place;
  log_warning("ui", "the download ended: {}", problem.toStdString());
  setState(State::failed);
}

// What happened on the drive. What is there is read anew at the next try.
void ModelDownload::failPart(const Error& error) {
  m_part.reset();
  if (error.code == ErrorCode::invalid) {
    fail(tr("%1.").arg(textOf(error)), true);
  } else {
    fail(tr("%1. Free some room or look whether the folder can be written, and try again, or "
            "choose another place.")
             .arg(textOf(error)),
         true);
  }
}

void ModelDownload::setState(State state) {
  m_state = state;
  m_report.stop();
  Q_EMIT changed();
}

void ModelDownload::report() {
  if (!m_report.isActive()) m_report.start();
}

QString ModelDownload::describe(int networkError, const QString& text) const {
  const QString host = m_reply->url().host();
  const int status = m_reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
  if (!m_headers && status == 404)
    return tr("%1 has no such file (404). Tell whoever made this package.").arg(host);
  if (!m_headers && status >= 400 && status < 500 && status != 407)
    return tr("%1 does not give the file out (%2). Try again later.").arg(host).arg(status);
  if (!m_headers && status >= 500)
    return tr("%1 has a fault of its own (%2). Try again later.").arg(host).arg(status);
  switch (networkError) {
    case QNetworkReply::HostNotFoundError:
      return tr("The name %1 was not found. Look whether this machine is connected to the network, "
                "and try again.")
          .arg(host);
    case QNetworkReply::ConnectionRefusedError:
      return tr("%1 takes no connection. Try again later.").arg(host);
    case QNetworkReply::SslHandshakeFailedError:
      return tr("No safe connection to %1 can be made: %2. Look at this machine's date, and "
                "whether "
                "something stands between it and the server; then try again.")
          .arg(host, text);
    case QNetworkReply::ProxyConnectionRefusedError:
    case QNetworkReply::ProxyConnectionClosedError:
    case QNetworkReply::ProxyNotFoundError:
    case QNetworkReply::ProxyTimeoutError:
    case QNetworkReply::ProxyAuthenticationRequiredError:
      return tr("The proxy %1 does not let the download through: %2. Look at the proxy in the "
                "system's settings, and try again.")
          .arg(m_proxy.hostName(), text);
    case QNetworkReply::NoError:
    case QNetworkReply::RemoteHostClosedError:
      if (m_headers || status < 200) break;
      return tr("%1 answers with %2, which is no file. Tell whoever made this package.")
          .arg(host)
          .arg(status);
    default:
      return tr("The connection to %1 failed: %2. Look whether this machine is connected to the "
                "network, and try again: what came is kept.")
          .arg(host, text);
  }
  return tr("The connection to %1 was cut. Try again: what came is kept.").arg(host);
}

}  // namespace mneme

#include "moc_model_download.cpp"
