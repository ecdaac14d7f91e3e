// One pipeline for each batch, with the keys of a message that lives for an hour.

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <map>
#include <vector>

#include "drivers.hpp"

namespace drivers {
namespace {

/// Commands whose answers are read together.
class Pipeline {
  public:
    explicit Pipeline(redisContext* context) : context_{context} {}
    void add(const std::vector<std::string_view>& words) {
        std::vector<const char*> texts;
        std::vector<std::size_t> sizes;
        for (const auto word : words) {
            texts.push_back(word.data());
            sizes.push_back(word.size());
        }
        redisAppendCommandArgv(
            context_, static_cast<int>(words.size()), texts.data(), sizes.data());
        ++waiting_;
    }
    void finish() {
        for (; waiting_ > 0; --waiting_) {
            void* answer = nullptr;
            require(redisGetReply(context_, &answer) == REDIS_OK, context_->errstr);
            const std::unique_ptr<void, decltype(&freeReplyObject)> owned{answer, freeReplyObject};
            const auto* const reply = static_cast<const redisReply*>(answer);
            require(reply->type != REDIS_REPLY_ERROR, "an error of Redis");
        }
    }

  private:
    redisContext* context_;
    std::size_t waiting_ = 0;
};

}  // namespace

Insert open_redis(const Target& target) {
    const std::shared_ptr<redisContext> context{redisConnect(target.host.c_str(), target.port),
                                                redisFree};
    require(context && context->err == 0, context ? context->errstr : "no memory");
    return [context](Rows rows) {
        Pipeline pipeline{context.get()};
        std::map<std::string_view, std::vector<std::string_view>> ids;
        for (const auto& row : rows) {
            const auto key = "mqtt:msg:" + row.msgid;
            pipeline.add({"HMSET",
                          key,
                          "id",
                          row.msgid,
                          "from",
                          row.sender,
                          "qos",
                          "1",
                          "topic",
                          row.topic,
                          "payload",
                          row.payload,
                          "ts",
                          row.arrived,
                          "retain",
                          "false"});
            pipeline.add({"EXPIRE", key, "3600"});
            ids[row.topic].push_back(row.msgid);
        }
        std::vector<std::string_view> catalogue{"ZADD", "keepmq:topics"};
        for (const auto& [topic, members] : ids) {
            const auto index = fmt::format("mqtt:msg:{}", topic);
            std::vector<std::string_view> words{"ZADD", index};
            for (const auto member : members) words.insert(words.end(), {"1", member});
            pipeline.add(words);
            pipeline.add({"EXPIRE", index, "3600"});
            catalogue.insert(catalogue.end(), {"0", topic});
        }
        pipeline.add(catalogue);
        pipeline.finish();
    };
}

}  // namespace drivers
