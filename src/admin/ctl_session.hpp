#pragma once
// What the commands of `keepmq ctl` share: asking the broker and printing what it says.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "admin/ctl.hpp"
#include "admin/http_client.hpp"
#include "admin/terminal.hpp"

namespace keepmq::admin {

/// A column of a listing: title and member of the JSON object.
struct ListColumn {
    std::string_view title;
    std::string_view member;
    Align align = Align::left;
};

class CtlSession {
  public:
    CtlSession(const CtlOptions& options, std::ostream& out, std::ostream& err);

    /// The `data` of the answer. After nothing, the problem was printed and exit_code says what.
    [[nodiscard]] std::optional<boost::json::value> ask(Method method,
                                                        std::string_view path,
                                                        std::string_view body = {});
    /// All pages together.
    [[nodiscard]] std::optional<boost::json::array> ask_all(const std::string& path);
    /// The text of a resource that is not JSON.
    [[nodiscard]] std::optional<std::string> ask_text(std::string_view path);

    void print_json(const boost::json::value& data);
    /// `name : value` for each member.
    void print_members(const boost::json::object& object);
    void print_list(const boost::json::array& items, std::span<const ListColumn> columns);

    [[nodiscard]] bool json() const { return json_; }
    [[nodiscard]] std::ostream& out() { return out_; }
    [[nodiscard]] std::ostream& err() { return err_; }
    [[nodiscard]] int exit_code() const { return exit_code_; }
    /// Remembers the failure.
    void fail(int exit_code, std::string_view message);

    /// Put before the broker's message: `Plugin x could not be loaded`.
    void set_failure_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  private:
    std::optional<HttpAnswer> call(Method method, std::string_view path, std::string_view body);
    std::optional<boost::json::object> ask_envelope(Method method,
                                                    std::string_view path,
                                                    std::string_view body);

    HttpClient client_;
    std::ostream& out_;
    std::ostream& err_;
    bool json_;
    int exit_code_ = 0;
    std::string prefix_;
};

/// A member as a table cell: escaped, `-` when it is absent or empty.
[[nodiscard]] std::string cell(const boost::json::object& object, std::string_view member);

/// The object behind `[{"node": ..., <name>: X}]`: X of the first node, null if there is none.
[[nodiscard]] const boost::json::value& of_first_node(const boost::json::value& data,
                                                      std::string_view name);

}  // namespace keepmq::admin
