#include "backends/mongo/connection.hpp"

#include <fmt/format.h>
#include <mongoc/mongoc.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>

#include "backends/mongo/errors.hpp"
#include "backends/mongo/stream.hpp"

namespace keepmq::mongo {
namespace {

using store::errc;
using store::Failure;

template <auto Function>
struct Free {
    template <class T>
    void operator()(T* object) const {
        Function(object);
    }
};
using Uri = std::unique_ptr<mongoc_uri_t, Free<mongoc_uri_destroy>>;
using Bulk = std::unique_ptr<mongoc_bulk_operation_t, Free<mongoc_bulk_operation_destroy>>;
using Cursor = std::unique_ptr<mongoc_cursor_t, Free<mongoc_cursor_destroy>>;
using Collection = std::unique_ptr<mongoc_collection_t, Free<mongoc_collection_destroy>>;

std::string bytes_of(const bson_t& bson) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return {reinterpret_cast<const char*>(bson_get_data(&bson)), bson.len};
}

/// The driver fills it in any case, and wants it back.
std::string take(bson_t& reply) {
    auto bytes = bytes_of(reply);
    bson_destroy(&reply);
    return bytes;
}

/// A view for the driver; the document must outlive it.
class View {
  public:
    explicit View(const Document& document) {
        const auto& bytes = document.bson();
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        bson_init_static(&bson_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    [[nodiscard]] operator const bson_t*() const { return &bson_; }  // NOLINT: that is its purpose

  private:
    bson_t bson_;
};

void start_driver() {
    static std::once_flag once;
    std::call_once(once, [] {
        mongoc_init();
        // Everything that matters comes back as an error.
        mongoc_log_set_handler(nullptr, nullptr);
    });
}

Failure to_failure(const bson_error_t& error, const std::optional<Failure>& socket) {
    const std::string text = static_cast<const char*>(error.message);
    switch (error.domain) {
        case MONGOC_ERROR_SERVER:
        case MONGOC_ERROR_WRITE_CONCERN:
            return {
                error.domain == MONGOC_ERROR_WRITE_CONCERN ? errc::timed_out : classify(error.code),
                text};
        case MONGOC_ERROR_SERVER_SELECTION:
            if (error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
                return {errc::access_denied, text};
            if (socket)
                return *socket;
            return {errc::unreachable, text};
        case MONGOC_ERROR_CLIENT:
            return {error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE ? errc::access_denied
                                                                   : errc::connection_lost,
                    text};
        case MONGOC_ERROR_SCRAM:
        case MONGOC_ERROR_SASL:
            return {errc::access_denied, text};
        case MONGOC_ERROR_BSON:
        case MONGOC_ERROR_COMMAND:
            return {errc::bad_value, text};
        default:
            return {
                socket && socket->code == errc::timed_out ? errc::timed_out : errc::connection_lost,
                text};
    }
}

std::int64_t find_in(const std::string& reply, std::string_view name) {
    const auto field = mongo::find(reply, name);
    return field ? field->integer().value_or(0) : 0;
}

/// The refusals that a reply lists. Nothing more serious may have happened.
std::vector<Refusal> refusals_of(const std::string& reply) {
    std::vector<Refusal> all;
    const auto list = find(reply, "writeErrors");
    if (!list)
        return all;
    for (const auto& one : fields_of(list->value)) {
        const auto index = find(one.value, "index");
        const auto code = find(one.value, "code");
        const auto text = find(one.value, "errmsg");
        if (!index || !code)
            continue;
        const auto number = code->integer().value_or(0);
        all.push_back({static_cast<std::size_t>(index->integer().value_or(0)),
                       number,
                       {classify(number), std::string{text ? text->value : "refused"}}});
    }
    return all;
}

bool add(mongoc_bulk_operation_t* bulk, const Write& write, bson_error_t* error) {
    const View filter{write.filter};
    const View body{write.body};
    static const Document upsert = Document{}.boolean("upsert", true);
    const View with_insert{upsert};
    switch (write.kind) {
        case Write::Kind::insert:
            return mongoc_bulk_operation_insert_with_opts(bulk, body, nullptr, error);
        case Write::Kind::update:
            return mongoc_bulk_operation_update_one_with_opts(bulk, filter, body, nullptr, error);
        case Write::Kind::upsert:
            return mongoc_bulk_operation_update_one_with_opts(
                bulk, filter, body, with_insert, error);
        case Write::Kind::replace:
            return mongoc_bulk_operation_replace_one_with_opts(
                bulk, filter, body, with_insert, error);
        case Write::Kind::remove_one:
            return mongoc_bulk_operation_remove_one_with_opts(bulk, filter, nullptr, error);
        case Write::Kind::remove_all:
            return mongoc_bulk_operation_remove_many_with_opts(bulk, filter, nullptr, error);
    }
    return false;
}

}  // namespace

struct Connection::Client {
    explicit Client(mongoc_client_t* client) : handle{client} {}

    [[nodiscard]] Collection collection(const Settings& settings, std::string_view name) const {
        return Collection{mongoc_client_get_collection(
            handle.get(), settings.database.c_str(), std::string{name}.c_str())};
    }
    /// Null: as the connection string says.
    [[nodiscard]] const mongoc_read_prefs_t* preference(From from) const {
        return from == From::primary ? primary.get() : mongoc_client_get_read_prefs(handle.get());
    }

    std::unique_ptr<mongoc_client_t, Free<mongoc_client_destroy>> handle;
    std::unique_ptr<mongoc_read_prefs_t, Free<mongoc_read_prefs_destroy>> primary{
        mongoc_read_prefs_new(MONGOC_READ_PRIMARY)};
};

Connection::Connection(Settings settings)
    : settings_{std::move(settings)},
      streams_{std::make_unique<Streams>(settings_)},
      patience_{settings_.read_timeout} {}

Connection::~Connection() {
    close();  // its streams before what they belong to
}

void Connection::close() {
    streams_->refuse();
    client_.reset();
    streams_->allow();
}

std::optional<Failure> Connection::open() {
    constexpr int most_patience = 16;  // times the time-out
    start_driver();
    close();
    const auto& last = streams_->last_failure();
    const bool was_slow = last && last->code == errc::timed_out;
    bson_error_t error{};
    const Uri uri{mongoc_uri_new_with_error(uri_of(settings_).c_str(), &error)};
    if (!uri)
        return Failure{errc::unreachable, static_cast<const char*>(error.message)};
    if (!settings_.login.empty()) {
        mongoc_uri_set_username(uri.get(), settings_.login.c_str());
        mongoc_uri_set_password(uri.get(), settings_.password.c_str());
    }
    // A client of its own for each attempt: one that has failed does not try again for 5 s.
    auto* const handle = mongoc_client_new_from_uri_with_error(uri.get(), &error);
    if (handle == nullptr)
        return Failure{errc::unreachable, static_cast<const char*>(error.message)};
    client_ = std::make_unique<Client>(handle);
    mongoc_client_set_error_api(handle, MONGOC_ERROR_API_VERSION_2);
    mongoc_client_set_stream_initiator(handle, &Streams::open, streams_.get());
    streams_->forget_failure();
    streams_->be_patient(settings_.read_timeout);
    auto failure = ask_who();
    if (!failure) {
        patience_ = was_slow ? std::min(2 * patience_, most_patience * settings_.read_timeout)
                             : settings_.read_timeout;
        streams_->be_patient(patience_);
        return std::nullopt;
    }
    close();
    if (failure->code == errc::connection_lost || failure->code == errc::timed_out)
        failure->code = errc::unreachable;  // nothing was under way
    return failure;
}

/// FerretDB 1.24 takes one of its 100 connections to its own database for each document that a
/// request updates, and gives them back at its end: with more than it has it hangs for ever.
std::optional<Failure> Connection::ask_who() {
    constexpr std::size_t searches_of_ferretdb = 8;  // by each of the usual 12 connections at once
    const auto answer = run(Document{}.integer("buildInfo", 1));
    if (const auto* const failure = std::get_if<Failure>(&answer))
        return *failure;
    const bool ferretdb = mongo::find(std::get<std::string>(answer), "ferretdbVersion").has_value();
    searches_ = ferretdb ? searches_of_ferretdb : std::numeric_limits<std::size_t>::max();
    return std::nullopt;
}

void Connection::interrupt() noexcept {
    streams_->interrupt();
}

Found Connection::find(const Find& find, From from) {
    if (!client_)
        return Failure{errc::unreachable, "not connected"};
    Document options;
    if (!find.sort.empty())
        options.child("sort", find.sort);
    if (!find.fields.empty())
        options.child("projection", find.fields);
    if (find.limit > 0)
        options.integer("limit", static_cast<std::int64_t>(find.limit));
    const auto collection = client_->collection(settings_, find.collection);
    const Cursor cursor{mongoc_collection_find_with_opts(
        collection.get(), View{find.filter}, View{options}, client_->preference(from))};
    std::vector<std::string> all;
    const bson_t* document = nullptr;
    std::size_t offset = 0;
    while (mongoc_cursor_next(cursor.get(), &document))
        if (bson_validate(document, BSON_VALIDATE_NONE, &offset))
            all.push_back(bytes_of(*document));
    bson_error_t error{};
    if (mongoc_cursor_error(cursor.get(), &error))
        return to_failure(error, streams_->last_failure());
    return all;
}

std::variant<std::string, Failure> Connection::run(const Document& command, From from) {
    if (!client_)
        return Failure{errc::unreachable, "not connected"};
    bson_t reply;
    bson_error_t error{};
    const bool done = mongoc_client_command_simple(client_->handle.get(),
                                                   settings_.database.c_str(),
                                                   View{command},
                                                   client_->preference(from),
                                                   &reply,
                                                   &error);
    auto bytes = take(reply);
    if (!done)
        return to_failure(error, streams_->last_failure());
    return bytes;
}

/// How many of the writes go into the next request.
std::size_t Connection::fit(std::span<const Write> rest, const Pace& pace) const {
    std::size_t searches = 0;
    const auto last = std::ranges::find_if(rest.first(pace.fit(rest)), [&](const Write& write) {
        return write.kind != Write::Kind::insert && ++searches > searches_;
    });
    return static_cast<std::size_t>(last - rest.begin());
}

Written Connection::write(const Writes& writes) {
    auto& pace = paces_.try_emplace(writes.collection, settings_.read_timeout).first->second;
    const std::span<const Write> all{writes.list};
    std::vector<Refusal> refused;
    std::size_t done = 0;
    std::size_t alone = 0;  // so many come one by one: together they were refused for one of them
    while (done < all.size()) {
        const auto rest = all.subspan(done);
        const auto piece = rest.first(alone > 0 ? 1 : fit(rest, pace));
        const auto begin = std::chrono::steady_clock::now();
        auto written = request(writes.collection, writes.sequence, piece);
        if (auto* const failure = std::get_if<Failure>(&written)) {
            if (failure->code == errc::timed_out)
                pace.timed_out(piece);
            if (!store::is_permanent(failure->code))
                return std::move(*failure);
            if (piece.size() > 1) {
                alone = piece.size();
                continue;
            }
            written = std::vector{Refusal{0, 0, std::move(*failure)}};
        } else {
            pace.answered(piece, std::chrono::steady_clock::now() - begin);
        }
        for (auto& refusal : std::get<std::vector<Refusal>>(written)) {
            refusal.index += done;
            refused.push_back(std::move(refusal));
        }
        if (writes.sequence == Sequence::ordered && !refused.empty())
            break;
        done += piece.size();
        alone -= std::min(alone, piece.size());
    }
    return refused;
}

/// A permanent failure: none of them was written.
Written Connection::request(const std::string& to,
                            Sequence sequence,
                            std::span<const Write> writes) {
    if (!client_)
        return Failure{errc::unreachable, "not connected"};
    const auto collection = client_->collection(settings_, to);
    const auto options = Document{}.boolean("ordered", sequence == Sequence::ordered);
    const Bulk bulk{
        mongoc_collection_create_bulk_operation_with_opts(collection.get(), View{options})};
    bson_error_t error{};
    for (const auto& write : writes)
        if (!add(bulk.get(), write, &error))
            return to_failure(error, std::nullopt);
    bson_t reply;
    const bool done = mongoc_bulk_operation_execute(bulk.get(), &reply, &error) != 0;
    const auto answer = take(reply);
    auto refusals = refusals_of(answer);
    if (done) {
        // Believed only when it says so: an acknowledgement hangs on it.
        const auto wanted = std::ranges::count(writes, Write::Kind::insert, &Write::kind);
        const auto counted = find_in(answer, "nInserted");
        if (counted == wanted)
            return refusals;
        return Failure{errc::connection_lost,
                       fmt::format("the server inserted {} of {} documents", counted, wanted)};
    }
    if (refusals.empty() || error.domain == MONGOC_ERROR_STREAM)
        return to_failure(error, streams_->last_failure());
    return refusals;
}

}  // namespace keepmq::mongo
