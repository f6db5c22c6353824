// What the client has beside plain calls: <base> <fingerprint> <address of a server that never answers>
#include <iostream>

#include "rpa_openapi.hpp"

namespace json = rpa::json;

static rpa::Client client(const std::string &host, const std::string &pin) {
    rpa::Client made(host, "demo-access-key", "demo-secret-key");
    made.set("proxy", "null").set("tls", json::object({{"pin_sha256", json::quoted(pin)}}));
    return made;
}

static void check(bool right, const char *what) {
    if (!right) {
        std::cout << "not as it should be: " << what << std::endl;
    }
}

static void values() {
    const std::string text = R"( {"a": [1, -2.50, [], {"~/": "\u6708\ud83d\ude00\n\"x"}, null], "": {}, "b" : "]"} )";
    check(json::text(text, "/a/3/~0~1") == "月😀\n\"x", "escapes are read");
    check(json::value(text, "/a/1") == "-2.50" && json::text(text, "/a/1") == "-2.50", "numbers are exact");
    check(json::value(text, "/a/2") == "[]" && json::value(text, "/") == "{}" && json::text(text, "/b") == "]", "values");
    check(json::value(text, "/a/5").empty() && json::value(text, "/a/x").empty() && json::value(text, "/c").empty() &&
              json::value(text, "/a/2/0").empty() && json::text(text, "/a/4").empty(),
          "what is not there is empty");
    for (const char *wrong : {"", "{", "[1,", "{\"a\"", "\"", "\"\\", "\"\\u12", "{a:1}"}) {
        json::value(wrong, "/a/b");
        json::text(wrong, "/0");
    }
}

static void long_work(const rpa::Client &client) {
    const std::string job = R"({"procCode":"P001","robotNo":"Administrator@0A1B2C3D4E5F"})";
    const auto wait = [](const char *status, const char *more) {
        return R"({"rest_type":"/oapi/v1/job/get","data_json":{"jobNo":{"pointer":"/result/jobNo"}},"every_ms":100,)"
               R"("until":[{"pointer":"/result/status","in":[")" + std::string(status) + "\"]}]" + more + "}";
    };
    std::string end = client.run("/oapi/v1/job/create", job, wait("finished", ""));
    check(json::value(end, "/result/started/result/jobNo") == json::value(end, "/result/reply/result/jobNo"), "the same job");
    std::cout << "run: " << json::text(end, "/result/reply/result/status") << std::endl;
    const std::string begun = client.run("/oapi/v1/job/create", job, wait("finished", ",\"timeout_ms\":0"));
    end = client.resume(json::text(begun, "/result/resume"));
    check(json::value(end, "/result/started") == json::value(begun, "/result/started"), "the same is gone on with");
    std::cout << "resume: " << json::text(end, "/result/reply/result/status") << std::endl;
    try {
        client.run("/oapi/v1/job/create", job, wait("never", ",\"timeout_ms\":300"));
        check(false, "waiting has an end");
    } catch (const rpa::Error &late) {
        check(late.kind() == "timeout" && late.part() == "wait" && late.resume().size() > 50, "what is late can be gone on with");
    }
    const std::string all = client.pages("/oapi/v1/job/list", R"({"pageSize":2})",
        R"({"page":"pageNum","size":"pageSize","items":"/result/rows","total":"/result/total"})");
    int count = 0;
    while (!json::value(all, "/result/rows/" + std::to_string(count)).empty()) {
        count++;
    }
    std::cout << "pages: " << count << std::endl;
}

int main(int, char **arguments) {
    const std::string host = arguments[1], pin = arguments[2];
    try {
        client(host, std::string(64, '0')).get("/oapi/v1/job/list");
        std::cout << "error: none" << std::endl;
    } catch (const rpa::Error &error) {
        const rpa::Error copied = error;
        const bool whole = copied.field().empty() && copied.fact("attempts") != "" && copied.msg().size() > 5 &&
                           copied.detail().find("pin") != std::string::npos && copied.fact("none").empty() && !copied.id().empty() && !copied.hint().empty() &&
                           copied.fact("target/scheme") == "https" &&
                           error.what() == copied.kind() + ": " + copied.detail();
        std::cout << "error: " << copied.kind() << ' ' << copied.delivered() << (whole ? " ok" : " " + error.reply()) << std::endl;
    }
    const rpa::Client usual = client(host, pin);
    std::string reply = usual.post("/oapi/v1/job/create", u8R"({"procCode":"P001","robotNo":"Administrator@0A1B2C3D4E5F","note":"月结 & 100% 完成"})");
    reply = usual.get("/oapi/v1/job/get", json::object({{"jobNo", json::value(reply, "/result/jobNo")}}));
    std::cout << "reply: " << json::text(reply, "/result/params/note") << std::endl;
    long_work(usual);
    std::string told;
    rpa::Client trusting = client(host, pin);
    trusting.set("tls", R"({"verify":false})").on_warning(
        [&told](const std::string &kind, const std::string &zh, const std::string &en) { told = zh.empty() || en.empty() ? "" : kind; });
    check(json::value(trusting.get("/oapi/v1/job/list"), "/code") == "0", "the reply is the control center's");
    std::cout << "warning: " << told << std::endl;
    const std::string well = usual.diagnose(), wrong = client(host, std::string(64, '0')).diagnose();
    const auto verdict = [](const std::string &diagnosis, const char *name) {
        return json::text(diagnosis, std::string("/result/verdict/") + name);
    };
    std::cout << "diagnosis: " << (verdict(well, "ok") == "true" ? "well" : well) << ", " << verdict(wrong, "check") << ' '
              << verdict(wrong, "setting") << ' ' << verdict(wrong, "turn") << std::endl;
    values();
}
