/*
 * rpa_openapi.h for C++11 and later: JSON text in, JSON text out, and every reply freed.
 *
 *     std::string reply = rpa::call(R"({"host": "https://10.0.0.5:8443", ...})");
 *
 * or, with what the calls have in common kept, and an exception where there is no reply of the control center:
 *
 *     rpa::Client client("https://10.0.0.5:8443", "access key", "secret key");
 *     std::string reply = client.post("/oapi/v1/job/create", R"({"procCode": "P001"})");
 *     std::string job = rpa::json::text(reply, "/result/jobNo");
 *
 * This one file needs rpa_openapi.h beside it. What the header says of requests, replies, threads and time holds here.
 * Texts are UTF-8. The functions return what goes wrong in a call in the reply, which is always JSON, and throw nothing
 * but std::bad_alloc; the reply is freed then, too. A program that is linked to the library does not start where that is
 * missing, has another bitness or lacks a function; the system says so.
 */
#ifndef RPA_OPENAPI_HPP
#define RPA_OPENAPI_HPP

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "rpa_openapi.h"

namespace rpa {

/** A reply that frees itself. It can be moved, and not copied; one that was moved from holds nothing to read. */
class Reply {
public:
    /** Takes what one of the C functions returned. */
    explicit Reply(char *reply) noexcept : text_(reply) {}

    /** The JSON text, NUL-terminated, for as long as this reply lives. */
    const char *c_str() const noexcept { return text_.get(); }

    std::string str() const { return text_.get(); }

private:
    struct Free {
        void operator()(char *reply) const noexcept { rpa_free(reply); }
    };
    std::unique_ptr<char, Free> text_;
};

/** Gets an access token and a refresh token for an access key and a secret key. */
inline std::string get_token(const std::string &request) { return Reply(rpa_get_token(request.c_str())).str(); }

/** Trades a refresh token for new tokens. */
inline std::string refresh_token(const std::string &request) { return Reply(rpa_refresh_token(request.c_str())).str(); }

/** Signs one API call, sends it and returns the reply. */
inline std::string call(const std::string &request) { return Reply(rpa_call(request.c_str())).str(); }

/** Signs the same request as call() and does not send it. The reply holds the token. */
inline std::string sign(const std::string &request) { return Reply(rpa_sign(request.c_str())).str(); }

/** Looks at the same request from end to end: what is wrong first, and whose turn it is. */
inline std::string diagnose(const std::string &request) { return Reply(rpa_diagnose(request.c_str())).str(); }

/** The version of the library, such as "1.2.3". */
inline std::string version() { return rpa_version(); }

/** The little of JSON that is needed here. In a program of your own, take your JSON library. */
namespace json {

/** A text as a JSON string. */
inline std::string quoted(const std::string &text) {
    std::string json = "\"";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            json += '\\';
            json += byte;
        } else if (static_cast<unsigned char>(byte) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
            json += escape;
        } else {
            json += byte;
        }
    }
    return json + '"';
}

/** The fields of an object: names, and values that are JSON already. */
using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string object(const Fields &fields) {
    std::string json;
    for (const auto &field : fields) {
        json += (json.empty() ? "" : ",") + quoted(field.first) + ':' + field.second;
    }
    return '{' + json + '}';
}

/** Walks a JSON text that is valid, as every reply of the library is. */
class Reader {
public:
    explicit Reader(const std::string &json) : json_(json) {}

    /** The value at a JSON pointer such as "/result/list/0/name", as it stands; empty if there is none. */
    std::string value(const std::string &pointer) {
        at_ = 0;
        skip_space();
        for (std::size_t begin = 1; begin <= pointer.size();) {
            const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
            if (!enter(unescaped(pointer.substr(begin, end - begin)))) {
                return "";
            }
            begin = end + 1;
        }
        const std::size_t begin = at_;
        skip_value();
        return json_.substr(begin, at_ - begin);
    }

    /** The text of a JSON string. Half a surrogate pair becomes U+FFFD. */
    static std::string decoded(const std::string &string) {
        static const std::string escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        std::string text;
        for (std::size_t i = 1; i + 1 < string.size(); i++) {
            if (string[i] != '\\') {
                text += string[i];
            } else if (string[++i] != 'u') {
                const std::size_t escape = escapes.find(string[i]);
                text += escape == std::string::npos ? string[i] : meanings[escape];
            } else {
                unsigned long code = hex4(string, i + 1);
                i += 4;
                const bool paired = code >= 0xD800 && code <= 0xDBFF && string.compare(i + 1, 2, "\\u") == 0;
                const unsigned long low = paired ? hex4(string, i + 3) : 0;
                if (low >= 0xDC00 && low <= 0xDFFF) {
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    i += 6;
                }
                append_utf8(text, code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : code);
            }
        }
        return text;
    }

private:
    char here() const { return at_ < json_.size() ? json_[at_] : '\0'; }

    void skip_space() { at_ = std::min(json_.find_first_not_of(" \t\r\n", at_), json_.size()); }

    void skip_string() {
        for (at_++; at_ < json_.size() && json_[at_] != '"'; at_++) {
            if (json_[at_] == '\\') {
                at_++;
            }
        }
        at_ = std::min(at_ + 1, json_.size());
    }

    void skip_value() {
        int depth = 0;
        do {
            if (here() == '"') {
                skip_string();
            } else if (here() == '{' || here() == '[') {
                depth++;
                at_++;
            } else if (here() == '}' || here() == ']') {
                depth--;
                at_++;
            } else {
                // A number, true, false, null; within an object or array also what stands between the values.
                at_ = std::min(json_.find_first_of(depth > 0 ? "\"{}[]" : ",]} \t\r\n", at_), json_.size());
            }
        } while (depth > 0 && at_ < json_.size());
    }

    /** Goes from an object to the value of one of its members, or from an array to an item; false if there is none. */
    bool enter(const std::string &name) {
        const bool of_object = here() == '{';
        if (!of_object && (here() != '[' || name.empty() || name.find_first_not_of("0123456789") != std::string::npos)) {
            return false;
        }
        unsigned long index = of_object ? 0 : std::strtoul(name.c_str(), nullptr, 10);
        do {
            at_++;
            skip_space();
            if (here() == (of_object ? '}' : ']')) {
                return false;
            }
            bool found = !of_object && index-- == 0;
            if (of_object) {
                const std::size_t begin = at_;
                skip_string();
                found = decoded(json_.substr(begin, at_ - begin)) == name;
                skip_space();
                at_++; // the colon
                skip_space();
            }
            if (found) {
                return true;
            }
            skip_value();
            skip_space();
        } while (here() == ',');
        return false;
    }

    static std::string unescaped(std::string name) {
        for (std::size_t at = 0; (at = name.find('~', at)) != std::string::npos; at++) {
            name.replace(at, 2, name.compare(at, 2, "~1") == 0 ? "/" : "~");
        }
        return name;
    }

    static unsigned long hex4(const std::string &string, std::size_t at) {
        return std::strtoul(string.substr(at, 4).c_str(), nullptr, 16);
    }

    static void append_utf8(std::string &text, unsigned long code) {
        if (code < 0x80) {
            text += static_cast<char>(code);
            return;
        }
        const int following = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        const unsigned long marks[] = {0, 0xC0, 0xE0, 0xF0};
        text += static_cast<char>(marks[following] | (code >> (6 * following)));
        for (int i = following - 1; i >= 0; i--) {
            text += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
        }
    }

    const std::string &json_;
    std::size_t at_ = 0;
};

/** The value at a JSON pointer such as "/result/list/0/name", as it stands; empty if there is none. */
inline std::string value(const std::string &json, const std::string &pointer) { return Reader(json).value(pointer); }

/** The text at a JSON pointer; of what is no text the value as it stands, of null and of nothing an empty text. */
inline std::string text(const std::string &json, const std::string &pointer) {
    const std::string found = value(json, pointer);
    return found[0] == '"' ? Reader::decoded(found) : found == "null" ? "" : found;
}

} // namespace json

/**
 * A call that the library could not bring to an end. A refusal by the control center is none: that is a reply.
 *
 * what() is English, msg() is Chinese and tells the next step. A fact that has no function here is got by fact().
 */
class Error : public std::runtime_error {
public:
    explicit Error(const std::string &reply)
        : std::runtime_error(json::text(reply, "/error/kind") + ": " + json::text(reply, "/error/detail")),
          reply_(std::make_shared<std::string>(reply)) {}

    /** Whether a reply is an error of the library, and not the control center's own. */
    static bool is_in(const std::string &reply) {
        return json::value(reply, "/error/kind")[0] == '"' && json::value(reply, "/error/delivered")[0] == '"';
    }

    const std::string &reply() const noexcept { return *reply_; }
    std::string msg() const { return json::text(*reply_, "/msg"); }

    /** One of the names under "error", such as "http_status", "peer", "ms/connect"; empty where there is none. */
    std::string fact(const std::string &name) const { return json::text(*reply_, "/error/" + name); }

    /** argument, mode, dns, connect, proxy, tls, timeout, disconnected, redirect, response, too_large, internal. */
    std::string kind() const { return fact("kind"); }
    std::string detail() const { return fact("detail"); }
    /** The field of the request that is wrong. */
    std::string field() const { return fact("field"); }
    /** "no": calling again is safe. "unknown": the control center may have it. "yes": it answered. */
    std::string delivered() const { return fact("delivered"); }
    /** The call's id, by which it is found in a log. */
    std::string id() const { return fact("id"); }
    std::string phase() const { return fact("phase"); }
    /** In Chinese, the next step. */
    std::string hint() const { return fact("hint"); }
    /** Of Client::run(): "start" or "wait". */
    std::string part() const { return fact("part"); }
    /** Of Client::run() where the start has gone well: what goes on waiting. */
    std::string resume() const {
        return fact("resume").empty() ? json::text(*reply_, "/result/resume") : fact("resume");
    }

private:
    // Shared, so that copying an exception cannot throw.
    std::shared_ptr<std::string> reply_;
};

/**
 * One control center. Its functions return the reply of the control center, whatever its code, and throw an Error where
 * there is none. Data, fields and settings are JSON texts. After the settings it may be used by many threads at once.
 */
class Client {
public:
    /** kind, Chinese, English */
    using Warning = std::function<void(const std::string &, const std::string &, const std::string &)>;

    explicit Client(const std::string &host) { set("host", json::quoted(host)); }

    /** With the keys the library gets, keeps and renews the token. */
    Client(const std::string &host, const std::string &access_key, const std::string &secret_key) : Client(host) {
        set("accesskey", json::quoted(access_key));
        set("secretkey", json::quoted(secret_key));
    }

    /** A field that every request begins with: set("tls", R"({"pin_sha256": "..."})"), set("proxy", "null"). */
    Client &set(const std::string &name, const std::string &value) {
        set_in(settings_, {name, value});
        return *this;
    }

    /** What did no harm to a call and should be looked at is told to this, on the thread of the call. */
    Client &on_warning(Warning warning) {
        warning_ = std::move(warning);
        return set("meta", warning_ ? "true" : "false");
    }

    std::string get(const std::string &path, const std::string &data = "{}") const { return call("get", path, data); }
    std::string post(const std::string &path, const std::string &data = "{}") const { return call("post", path, data); }
    std::string put(const std::string &path, const std::string &data = "{}") const { return call("put", path, data); }
    std::string remove(const std::string &path, const std::string &data = "{}") const {
        return call("delete", path, data);
    }

    std::string call(const std::string &mode, const std::string &path, const std::string &data,
                     const json::Fields &more = {}) const {
        return checked(rpa::call(request({{"mode", json::quoted(mode)}, {"rest_type", json::quoted(path)}, {"data_json", data}}, more)));
    }

    /**
     * Starts something by a post and waits until it has come to its end; wait says how that is seen, see the library's
     * field of that name. The result holds both replies, as "/result/started" and "/result/reply". If this fails,
     * Error::part() says of which of the two, and resume() with Error::resume() goes on, and starts nothing again.
     */
    std::string run(const std::string &path, const std::string &data, const std::string &wait,
                    json::Fields more = {}) const {
        set_in(more, {"wait", wait});
        return call("post", path, data, more);
    }

    std::string resume(const std::string &resume, const json::Fields &more = {}) const {
        return checked(rpa::call(request({{"resume", json::quoted(resume)}}, more)));
    }

    /** Gathers all pages of a list into one reply; pages names the fields, see the library's field of that name. */
    std::string pages(const std::string &path, const std::string &data, const std::string &pages,
                      json::Fields more = {}) const {
        set_in(more, {"pages", pages});
        return call("get", path, data, more);
    }

    /** What is wrong first, and whose turn it is: "/result/verdict/zh", "/result/verdict/en" and so on. */
    std::string diagnose(const json::Fields &more = {}) const { return checked(rpa::diagnose(request({}, more))); }

private:
    using Field = json::Fields::value_type;

    static void set_in(json::Fields &fields, const Field &field) {
        const auto same = [&field](const Field &other) { return other.first == field.first; };
        fields.erase(std::remove_if(fields.begin(), fields.end(), same), fields.end());
        fields.push_back(field);
    }

    std::string request(const json::Fields &fields, const json::Fields &more) const {
        json::Fields all = settings_;
        for (const auto &field : fields) {
            set_in(all, field);
        }
        for (const auto &field : more) {
            set_in(all, field);
        }
        return json::object(all);
    }

    /** The reply without the facts around it; throws an Error in it. */
    std::string checked(std::string reply) const {
        const std::string meta = json::value(reply, "/meta"), inner = json::value(reply, "/reply");
        if (!meta.empty() && !inner.empty()) {
            reply = inner;
            for (std::size_t i = 0; warning_; i++) {
                const std::string told = json::value(meta, "/warnings/" + std::to_string(i));
                if (told.empty()) {
                    break;
                }
                warning_(json::text(told, "/kind"), json::text(told, "/zh"), json::text(told, "/en"));
            }
        }
        if (Error::is_in(reply)) {
            throw Error(reply);
        }
        return reply;
    }

    json::Fields settings_;
    Warning warning_;
};

} // namespace rpa

#endif // RPA_OPENAPI_HPP
